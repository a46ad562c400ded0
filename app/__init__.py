"""Intelligent Operations Centre: a province's live indicators, judged against their targets."""
