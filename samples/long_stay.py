#!/usr/bin/env python3
"""Writes notes/long-stay-pancreatitis.txt: one long hospital stay, wholly invented.

A chart of this size in real life is mostly text carried from day to day, so the daily notes are built from
paragraphs that change only where the story does. The admission and discharge parts and all that happens on a
day are written out below. Run it after an edit, then rebuild the two collections (README.md).
"""
from pathlib import Path

ADMISSION = """\
IMAGINARY GENERAL HOSPITAL
HOSPITAL RECORD: H&P, SELECTED PROGRESS NOTES, DISCHARGE SUMMARY (INVENTED PATIENT)
NAME: Placeholder, Wilhelmina Q.     MRN: INV-LONG-0060
ADMITTED: 04/03/2026     DISCHARGED: 05/01/2026

==== HISTORY AND PHYSICAL, 04/03/2026 ====

CHIEF COMPLAINT: Severe upper abdominal pain and vomiting.

HISTORY OF PRESENT ILLNESS: Mrs. Placeholder is a 57-year-old woman with hypertension, obesity and known gallstones who developed epigastric pain about 20 hours before admission, two hours after a dinner of fried fish. The pain came up over half an hour, goes straight through to the back, is 10/10 and is eased a little by sitting forward. She has vomited more than ten times, first food and then bile. She had two lesser attacks of right upper quadrant pain in January and March, each lasting an afternoon; an ultrasound in March showed gallstones and she was waiting for an appointment with surgery. She denies fever, jaundice, melena, or hematemesis. She had dark urine this morning. No new medicines. In the emergency department the lipase was over 6,000 and she was given 2 liters of lactated Ringer's solution and hydromorphone.

PAST MEDICAL HISTORY: Hypertension, obstructive sleep apnea on CPAP, class 1 obesity, gastroesophageal reflux, gestational diabetes with her second child.
PAST SURGICAL HISTORY: Cesarean section x2. Left carpal tunnel release 2018.
MEDICATIONS: Lisinopril 20 mg daily, hydrochlorothiazide 25 mg daily, omeprazole 20 mg as needed.
ALLERGIES: Cephalexin, hives.
SOCIAL HISTORY: Married, manages a garden center. Never smoked. A glass of wine once or twice a month.
FAMILY HISTORY: Mother with gallstones; father had coronary disease and died at 74. No pancreatic cancer.

PHYSICAL EXAMINATION: Temperature 99.9, blood pressure 104/62, pulse 122, respirations 26, oxygen saturation 92% on room air. Height 5 feet 5 inches, weight 195 pounds, BMI 32.4. She is in obvious pain and lies still. Sclerae are faintly yellow. Mucous membranes dry. Lungs with decreased breath sounds at the left base. Heart tachycardic and regular. Abdomen is distended and tender in the epigastrium with guarding, no rebound, bowel sounds scarce. No flank or periumbilical bruising. No edema. Alert and oriented, nonfocal.

LABORATORY DATA: Lipase 6,240, white blood cells 19.2, hemoglobin 16.1, hematocrit 48.3, platelets 262, sodium 136, potassium 3.9, BUN 29, creatinine 1.3, glucose 212, calcium 7.8, total bilirubin 3.4, AST 312, ALT 348, triglycerides 164. Lactate 3.1.

IMAGING: Right upper quadrant ultrasound: multiple gallstones, common bile duct 9 mm, pancreas not seen for gas. Chest film: small left effusion.

ASSESSMENT AND PLAN:
1. Acute gallstone pancreatitis, with SIRS and hemoconcentration, at risk of a severe course. Lactated Ringer's at 250 mL an hour for now, reassess every 4 hours. Hydromorphone PCA. N.p.o.
2. Choledocholithiasis suspected, with bilirubin 3.4 and a 9 mm duct. No cholangitis at this point. GI to see tonight.
3. Acute kidney injury, mild, from volume loss. Hold lisinopril and hydrochlorothiazide.
4. Hypoxemia with a small effusion. Oxygen, incentive spirometry.
5. Hypertension, obesity, sleep apnea. CPAP while asleep unless vomiting.
6. DVT prophylaxis with enoxaparin. Full code. Husband is at bedside and is her agent.
"""

HPI = ("HPI (carried forward): 57-year-old woman with hypertension, obesity and known gallstones admitted 04/03/2026 with "
       "severe epigastric pain through to the back and vomiting, lipase 6,240, bilirubin 3.4, common duct 9 mm on "
       "ultrasound. Diagnosed with acute gallstone pancreatitis with SIRS on admission.")

PMH = ("PMH/PSH/FH/SH: Hypertension, sleep apnea on CPAP, obesity, reflux, gestational diabetes; cesarean x2, left carpal "
       "tunnel release. Reviewed and unchanged from the H&P of 04/03/2026. ALLERGY: cephalexin (hives).")

# What the chart says has happened so far: each line is carried forward from its day on.
EVENTS = [
    (2, "04/04 ERCP with biliary sphincterotomy and extraction of two stones and sludge. No cholangitis seen."),
    (3, "04/05 Rising oxygen need, moved to ICU."),
    (4, "04/06 Intubated for acute hypoxemic respiratory failure, ARDS. Right internal jugular line, left radial arterial line."),
    (5, "04/07 CT abdomen with contrast: necrosis of about 40% of the gland, body and tail, acute necrotic collection 9 x 5 cm, "
        "splenic vein thrombosis. No gas."),
    (6, "04/08 Nasojejunal tube placed, trophic feeds begun."),
    (9, "04/11 Paroxysm of atrial fibrillation with rapid rate, converted on amiodarone within 7 hours."),
    (11, "04/13 Extubated to high-flow oxygen."),
    (14, "04/16 Fever to 102.9, pressors for 14 hours. CT: gas in the collection, now 12 x 7 cm with a partial wall."),
    (15, "04/17 CT-guided 14 French drain into the left retroperitoneal collection, 450 mL of brown pus. Gram stain gram-negative rods."),
    (16, "04/18 Culture: Escherichia coli, sensitive to meropenem and ciprofloxacin. Blood cultures 2 of 2 with E. coli."),
    (18, "04/20 Swollen right arm, ultrasound: thrombus in the right internal jugular and axillary veins. Line out, heparin begun."),
    (21, "04/23 Drain changed up to 20 French. Output with amylase 14,000."),
    (25, "04/27 CT: collection down to 4 x 3 cm, no gas. Splenic vein partly open."),
]

# Day of stay: (what is new, (temperature, pulse, pressure, rate, saturation), intake, output, labs)
# Labs: white cells, hemoglobin, platelets, sodium, potassium, bicarbonate, urea nitrogen, creatinine, glucose, calcium, bilirubin
DAYS = {
    2: ("Pain 8/10 with the PCA. Retching overnight. Urine output fell to 20 mL an hour until a further liter of fluid. Husband asks about the scope; the risks of ERCP were gone over by Dr. Imagined from GI and she signed consent. To the endoscopy suite at 14:00, back at 15:40 without trouble.",
        ("100.4", 118, "108/60", 26, "93% on 3 L"), 6400, 820, (18.8, 14.2, 221, 137, 4.1, 20, 34, 1.5, 198, 7.2, 3.9)),
    3: ("Worse. She is breathing 34 a minute and cannot lie flat. Belly tighter, bladder pressure 16. Chest film with new bilateral hazy opacities and left effusion. Not passing gas. Moved to the ICU at 11:20 on 40 liters of high-flow oxygen at 60%. Husband and two daughters told that this has become severe pancreatitis.",
        ("101.1", 128, "98/54", 34, "91% on HFNC 60%"), 7100, 540, (21.4, 12.8, 184, 138, 4.8, 17, 46, 2.2, 226, 6.9, 2.8)),
    4: ("At 03:15 she tired, saturation 84% on 90% oxygen, and was intubated by anesthesia on the second look without hypotension. PaO2/FiO2 118 afterward. Proned at 09:00. Norepinephrine up to 12 mcg a minute. Urine 15 mL an hour, muddy casts in the sediment per nephrology. Ionized calcium 0.94 replaced twice.",
        ("101.5", 124, "92/50", 24, "93% on vent 70%"), 5200, 360, (19.9, 10.9, 160, 140, 5.4, 16, 61, 3.4, 241, 6.6, 2.2)),
    5: ("Prone 16 hours, supine since 06:00. FiO2 down to 50%. Norepinephrine 6. Nephrology does not see a need for dialysis while potassium is 5.1 and urine is picking up on furosemide. CT done with contrast after discussing the kidney risk with the family and nephrology, as it was thought the result could change management.",
        ("100.9", 112, "104/56", 24, "95% on vent 50%"), 3900, 900, (18.1, 9.8, 148, 141, 5.1, 18, 70, 3.8, 218, 7.0, 1.7)),
    6: ("Second proning session overnight. Off norepinephrine at 05:00. Nasojejunal tube placed at bedside by the dietitian, film confirms the tip past the ligament of Treitz, peptide formula at 10 mL an hour. No residuals. No bowel movement since admission; ileus on film.",
        ("100.6", 104, "112/60", 22, "95% on vent 45%"), 3100, 1650, (16.7, 9.2, 151, 143, 4.6, 20, 74, 3.9, 206, 7.3, 1.4)),
    7: ("Creatinine has stopped rising. Weaning sedation, opens her eyes. Feeds 20 mL an hour. Bladder pressure 13. First bowel movement after suppository. Family meeting with palliative care present for support; all wish to go on.",
        ("100.2", 100, "118/64", 22, "96% on vent 40%"), 2700, 2300, (15.2, 8.9, 170, 145, 4.2, 22, 72, 3.6, 192, 7.6, 1.2)),
    9: ("At 22:10 last night atrial fibrillation at 150 with a pressure of 94. Magnesium and potassium repleted, amiodarone bolus and drip, sinus at 05:00. Echocardiogram: ejection fraction 65%, no wall motion problem. Failed a breathing trial after 40 minutes from rapid shallow breathing.",
        ("99.9", 102, "116/62", 24, "95% on vent 40%"), 2500, 3300, (14.8, 8.4, 236, 145, 3.3, 25, 58, 2.5, 201, 8.0, 1.0)),
    11: ("Passed the breathing trial, extubated at 10:35 to high-flow oxygen 40%. Hoarse. Knows her name and the hospital, thinks that it is March. Weak cough. Speech therapy tomorrow.",
         ("99.3", 96, "130/70", 22, "95% on HFNC 40%"), 2300, 2600, (13.1, 8.1, 322, 141, 3.9, 26, 42, 1.8, 179, 8.2, 0.9)),
    14: ("Rigor at 02:00, 102.9, pressure 78/42, lactate 4.2. Two liters of fluid, back to the ICU, norepinephrine to 10. CT in the morning with gas in the collection. Meropenem begun. Surgery, GI and interventional radiology conferred at the bedside: drain first (step-up), surgery only if that fails.",
         ("102.9", 126, "86/48", 28, "93% on 5 L"), 4900, 900, (26.3, 7.8, 402, 136, 4.4, 18, 41, 2.0, 248, 7.9, 1.3)),
    15: ("Drain placed at 09:20 by Dr. Makebelieve of interventional radiology by a left flank path under CT, 450 mL of foul brown pus. Off norepinephrine at 17:00. One unit of red cells for a hemoglobin of 6.8 on the noon blood count, no bleeding source.",
         ("101.8", 114, "102/58", 24, "94% on 4 L"), 3800, 1500, (23.7, 7.6, 377, 137, 4.2, 20, 43, 1.9, 231, 8.0, 1.2)),
    16: ("Better, wants her phone. 280 mL from the drain. E. coli from the pus and both blood cultures. Repeat blood cultures sent.",
         ("100.7", 102, "112/62", 22, "95% on 3 L"), 3000, 1900, (18.4, 7.9, 361, 138, 4.0, 22, 38, 1.6, 210, 8.1, 1.0)),
    18: ("Nurse noticed the right arm 3 cm larger than the left. Ultrasound as noted. Jugular line removed, a peripheral midline put in the left arm. Heparin drip with no bolus after talking with interventional radiology about the drain. Repeat blood cultures negative at 48 hours.",
         ("99.4", 94, "122/68", 20, "95% on 2 L"), 2500, 2300, (13.8, 8.1, 328, 139, 3.8, 25, 27, 1.3, 188, 8.3, 0.9)),
    21: ("Drain exchanged over a wire to 20 French, 190 mL of debris right away. Heparin held 4 hours for it. Fluid amylase 14,000 so there is a pancreatic duct leak; GI will think about a stent if it does not slow.",
         ("99.9", 94, "120/66", 20, "96% on 1 L"), 2400, 2300, (13.3, 7.9, 362, 138, 4.1, 25, 22, 1.1, 176, 8.5, 0.8)),
    22: ("Good day. Walked 60 feet. Room air at rest. No fever. Drain 130 mL. Switched to apixaban.",
         ("98.9", 88, "128/72", 18, "95% on RA"), 2200, 2300, (11.7, 8.1, 370, 139, 4.1, 25, 20, 1.0, 168, 8.6, 0.7)),
    25: ("CT as noted, much better. Drain 60 mL, amylase 3,100. Meropenem changed to ciprofloxacin by mouth, stop date 05/08. Pressure 150s since off the fluids, amlodipine begun.",
         ("98.7", 82, "152/84", 16, "97% on RA"), 2000, 2100, (9.6, 8.8, 330, 140, 4.1, 26, 16, 0.9, 162, 8.8, 0.6)),
    28: ("Ready for rehabilitation, bed open tomorrow. Last labs below. Discharge medicines gone over with her and her husband.",
         ("98.4", 78, "136/78", 16, "98% on RA"), 1800, 1900, (8.1, 9.3, 301, 141, 4.2, 27, 14, 0.8, 144, 9.0, 0.6)),
}

def medications(day):
    held = "Lisinopril and hydrochlorothiazide held since admission."
    out = ["pantoprazole 40 mg IV daily" if day < 23 else "pantoprazole 40 mg p.o. daily"]
    out.append("hydromorphone PCA" if day < 4 else "fentanyl infusion, propofol infusion" if day < 8 else
               "fentanyl p.r.n., dexmedetomidine infusion" if day < 12 else "oxycodone 5 mg q.4h. p.r.n.")
    if day < 18: out.append("enoxaparin 40 mg subcutaneous daily" if day not in (14, 15) else "enoxaparin held for the drain")
    elif day < 22: out.append("heparin infusion per protocol")
    else: out.append("apixaban 10 mg b.i.d., 5 mg b.i.d. from 04/29")
    if 4 <= day < 6 or day in (14, 15): out.append("norepinephrine infusion, titrated")
    if 5 <= day < 12: out.append("furosemide 40 mg IV b.i.d.")
    if 9 <= day < 16: out.append("amiodarone")
    if 14 <= day < 25: out.append("meropenem 1 g IV q.8h.")
    if day >= 25: out.append("ciprofloxacin 500 mg p.o. b.i.d.")
    if day >= 3: out.append("insulin sliding scale" if day < 19 else "insulin glargine 10 units nightly plus correction" if day < 24 else "insulin glargine 14 units nightly plus correction")
    if day >= 23: out.append("pancrelipase 36,000 units with meals")
    if day >= 25: out.append("amlodipine 5 mg daily")
    return "MEDICATIONS: " + "; ".join(out) + ". " + held

def examination(day):
    if day < 4:
        general = "Uncomfortable, alert, oriented."
        lungs = "Decreased at both bases, left more than right." if day < 3 else "Crackles to the mid zones, using accessory muscles."
        abdomen = "Distended, tender in the epigastrium with guarding, bowel sounds scarce."
        limbs, nerves = "No edema.", "Nonfocal."
    elif day < 11:
        general = "Intubated, sedated." if day < 8 else "Intubated, opens eyes to voice."
        lungs = "Coarse bilaterally, ventilated breath sounds."
        abdomen = "Distended, less tense than on 04/06, bowel sounds " + ("absent." if day < 7 else "present.")
        limbs = "Anasarca 2+." if day < 9 else "Edema 1+."
        nerves = "Sedated, moves all limbs to pain." if day < 8 else "Follows commands on and off, weak proximally."
    elif day < 18:
        general = "Tired, alert." if day not in (14, 15) else "Ill, flushed, shivering."
        lungs = "Decreased at the left base."
        abdomen = "Full on the left with a tender mass, no peritonitis." + (" Flank drain with brown fluid." if day >= 15 else "")
        limbs, nerves = "Trace edema.", "Oriented x2 to x3. Hip flexors 2/5, shoulders 3/5, hands 4/5."
    else:
        general = "Comfortable, in good spirits." if day >= 22 else "Comfortable, tired."
        lungs = "Clear, slightly decreased at the left base."
        abdomen = "Soft, mild left-sided tenderness. Left flank drain with " + ("brown debris." if day < 22 else "thin gray-tan fluid.")
        limbs = "Right arm swollen to the shoulder, pulses intact." if day < 22 else "Right arm less swollen."
        nerves = "Oriented. Hip flexors " + ("3/5." if day < 24 else "4/5.")
    return ("EXAMINATION: GENERAL: %s LUNGS: %s HEART: Regular, no murmur. ABDOMEN: %s EXTREMITIES: %s NEUROLOGIC: %s"
            % (general, lungs, abdomen, limbs, nerves))

def problems(day):
    p = []
    if day < 5:
        p.append("Acute gallstone pancreatitis, severe. " + ("Fluids by response, not by rate. " if day < 4 else "Organ support. ") +
                 "Status post ERCP and sphincterotomy. No antibiotics without infection. Cholecystectomy after recovery.")
    elif day < 14:
        p.append("Necrotizing gallstone pancreatitis, about 40% necrosis by CT 04/07. Sterile as far as known. No indication to drain now. "
                 "Nasojejunal feeding. Low threshold for repeat CT with fever. Cholecystectomy after recovery.")
    else:
        p.append("Necrotizing gallstone pancreatitis with infected necrosis%s. Step-up approach. " % (", E. coli" if day >= 16 else "") +
                 ("Meropenem, " if day < 25 else "Ciprofloxacin, ") + "drain to gravity, flush 10 mL every 8 hours, follow output. "
                 + ("CT when output falls. " if day < 21 else "Plan CT 04/27. " if day < 25 else "Next CT in two to three weeks. ") + "Cholecystectomy after the collection is gone.")
    if day >= 14:
        p.append("Sepsis%s with septic shock 04/16, " % (" due to E. coli" if day >= 16 else "") + ("on pressors." if day < 16 else "resolved. Blood cultures of 04/18 negative."))
    if day >= 3:
        if day < 11: p.append("Acute hypoxemic respiratory failure, ARDS. " + ("High-flow oxygen, may need intubation." if day < 4 else "Low tidal volume 6 mL/kg, plateau under 30, daily breathing trial when ready."))
        elif day < 22: p.append("Acute hypoxemic respiratory failure due to ARDS, improving, wean oxygen. Incentive spirometry.")
        else: p.append("ARDS, recovered, on room air.")
    if day < 4: p.append("Acute kidney injury, volume loss. Fluids, hold ACE inhibitor, avoid NSAIDs.")
    elif day < 22: p.append("Acute tubular necrosis, " + ("worsening. Nephrology following, no dialysis need today." if day < 6 else "recovering. Avoid contrast and nephrotoxins where possible."))
    else: p.append("Acute tubular necrosis, recovered.")
    if 3 <= day < 12: p.append("Hypocalcemia. Replace ionized calcium below 1.0.")
    if 6 <= day < 9: p.append("Ileus. Trophic feeds, suppositories, out of opioids as able.")
    if 8 <= day < 16: p.append("ICU delirium. Sleep, glasses, family, dexmedetomidine at night if needed. No benzodiazepines.")
    if day >= 9: p.append("Paroxysmal atrial fibrillation, one episode 04/11 in acute illness. " + ("Amiodarone, stop after a week in sinus." if day < 16 else "In sinus, off amiodarone."))
    if day >= 5: p.append("Splenic vein thrombosis. " + ("No anticoagulation beyond prophylaxis at present." if day < 18 else "Covered by the anticoagulation for the arm."))
    if day >= 18: p.append("Right internal jugular and axillary vein thrombosis from the central line. Anticoagulate for three months.")
    if day >= 10: p.append("Critical illness myopathy. PT and OT daily, " + ("chair twice a day." if day < 22 else "acute rehabilitation."))
    if day >= 6: p.append("Severe protein-calorie malnutrition per dietitian. " + ("Peptide formula by nasojejunal tube." if day < 23 else "Night feeds and low-fat diet." if day < 26 else "Low-fat diet with supplements."))
    if day >= 3: p.append("Hyperglycemia of acute pancreatitis. " + ("Keep 140 to 180." if day < 24 else "Likely pancreatogenic diabetes, A1c 6.3, glargine."))
    if day >= 23: p.append("Exocrine pancreatic insufficiency. Pancrelipase.")
    if day >= 7: p.append("Anemia of acute illness and phlebotomy. " + ("Transfuse below 7." if day < 15 else "One unit 04/17. Transfuse below 7."))
    p.append("Hypertension. " + ("Home medicines held." if day < 25 else "Amlodipine; ACE inhibitor to be restarted by primary care."))
    p.append("Prophylaxis and code status. " + ("Enoxaparin. " if day < 18 else "") + "PPI. Full code.")
    return "ASSESSMENT AND PLAN:\n" + "\n".join("%d. %s" % (i, x) for i, x in enumerate(p, 1))

def date(day):
    return "04/%02d/2026" % (day + 2)

def progress(day):
    news, (t, hr, bp, rr, sat), intake, output, lab = DAYS[day]
    where = "ICU" if 3 <= day < 12 or 14 <= day < 17 else "STEP-DOWN" if 12 <= day < 20 and day != 13 else "WARD"
    names = ("WBC", "Hgb", "Plt", "Na", "K", "CO2", "BUN", "Cr", "Glu", "Ca", "T bili")
    lines = [
        "==== %s PROGRESS NOTE, HOSPITAL DAY %d, %s ====" % (where, day, date(day)), "",
        "SUBJECTIVE / INTERVAL: " + news, "", HPI, "", PMH, "",
        "HOSPITAL EVENTS:"]
    lines += ["- " + text for d, text in EVENTS if d <= day]
    lines += ["", medications(day), "",
              "VITAL SIGNS (24 h maximum temperature, others at 06:00): T %s, P %d, BP %s, R %d, SpO2 %s. In %d mL, out %d mL." % (t, hr, bp, rr, sat, intake, output),
              examination(day),
              "LABS: " + ", ".join("%s %s" % (n, v) for n, v in zip(names, lab)) + ".", "",
              problems(day), "",
              "%s, attending time %d minutes%s." % ("Dr. Nonesuch" if day % 7 < 4 else "Dr. Fictive", 65 if where == "ICU" else 35, ", critical care" if where == "ICU" else ""), ""]
    return "\n".join(lines)

DISCHARGE = """\
==== DISCHARGE SUMMARY, 05/01/2026 ====

DISCHARGE DIAGNOSES:
1. Acute gallstone pancreatitis with infected necrosis.
2. Sepsis due to Escherichia coli with septic shock, developed 04/16.
3. Acute hypoxemic respiratory failure due to acute respiratory distress syndrome.
4. Acute tubular necrosis, recovered.
5. Choledocholithiasis and cholelithiasis, status post sphincterotomy and stone extraction.
6. Splenic vein thrombosis.
7. Catheter-related right internal jugular vein thrombosis and right axillary vein thrombosis.
8. Paroxysmal atrial fibrillation, one episode.
9. Critical illness myopathy.
10. Severe protein-calorie malnutrition.
11. Exocrine pancreatic insufficiency.
12. Hyperglycemia, possible pancreatogenic diabetes.
13. ICU delirium, resolved. Ileus, resolved. Hypocalcemia, resolved.
14. Anemia of acute illness.
15. Hypertension, obesity.

PROCEDURES: ERCP with biliary sphincterotomy and stone extraction 04/04; intubation and mechanical ventilation 04/06 to 04/13; central venous line; CT-guided drainage of the pancreatic collection 04/17 with drain exchange 04/23; nasojejunal tube 04/08 to 04/28; transfusion of one unit of red cells 04/17; echocardiogram 04/11.

HOSPITAL COURSE: The patient came in with gallstone pancreatitis and had two duct stones removed by ERCP on the second day. In spite of this she went on to multiple organ failure with respiratory distress syndrome, for which she was ventilated for 7 days and proned twice, and acute tubular necrosis, creatinine at most 3.9, never on dialysis. CT showed necrosis of 40% of the gland. She was fed through a nasojejunal tube. She had one run of atrial fibrillation that lasted 7 hours. After coming off the ventilator she became septic on 04/16, with gas in the collection; pus from the drain and the blood grew Escherichia coli. She answered to meropenem 1 g IV q.8h. and to the drain, which was changed to a larger one, and did not need a necrosectomy. A clot in the right neck and axillary veins, from the line, was found on 04/20, and she is on apixaban for three months, which also treats the splenic vein. There has been no bleeding. She was weak in the hips and shoulders and had a normal CK, in keeping with critical illness myopathy, and has made good progress with therapy. She was confused in the ICU and is now clear. Insulin has been needed for glucose values in the 200s; whether she will have diabetes after this is not certain. Greasy stools got better on enzymes.

CONDITION ON DISCHARGE: Good. Temperature 98.4, pressure 134/76, pulse 78, room air. Weight 171 pounds. Walks 200 feet with a walker. Drain in place, 30 mL a day.

DISCHARGE MEDICATIONS:
1. Apixaban 5 mg p.o. b.i.d. through July.
2. Ciprofloxacin 500 mg p.o. b.i.d. until 05/08.
3. Pancrelipase 36,000 units with meals.
4. Insulin glargine 14 units subcutaneous nightly.
5. Pantoprazole 40 mg p.o. daily.
6. Amlodipine 5 mg p.o. daily.
7. Oxycodone 5 mg p.o. q.6h. p.r.n.
Not to be restarted for now: lisinopril, hydrochlorothiazide.

DISPOSITION: Discharged to acute inpatient rehabilitation.

FOLLOW-UP: Interventional radiology in 2 weeks for the drain with a CT abdomen. Surgery in 6 weeks for cholecystectomy. GI in 3 weeks for the duct leak. Primary care after rehabilitation for glucose, blood pressure and a repeat CBC.

Dr. Nonesuch
"""

def note():
    return "\n".join([ADMISSION] + [progress(day) for day in sorted(DAYS)] + [DISCHARGE])

if __name__ == "__main__":
    (Path(__file__).parent / "notes" / "long-stay-pancreatitis.txt").write_bytes(note().encode())
