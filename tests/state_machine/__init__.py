"""Test the whole integration against a plain model of a provider and its webhook calls.

A real Home Assistant runs on an event loop with a clock turned by hand, so that days pass in
seconds and every timer fires exactly when it would. The provider knows the truth and serves it
late, out of order, with gaps or not at all; a judge requires evidence for each edge.
Each run of the tests takes the same steps; `--hypothesis-profile=long` looks for new ones for ten
minutes or so, and shortens failures.
"""
