-- Which codes stand beside a code on the entries finished last.
CREATE INDEX outcomes_code ON outcomes (decided_system, decided_code, finished_at);
