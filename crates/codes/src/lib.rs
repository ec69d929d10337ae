//! Code systems: releases, hierarchy and look-up
