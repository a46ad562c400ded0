"""Intelligent Operations Centre: a province's live indicators, judged against their targets."""

VERSION = "0.1.0"
