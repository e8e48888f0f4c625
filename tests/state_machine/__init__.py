"""Hold the whole integration against a plain model of what truly happened.

A real Home Assistant runs on an event loop whose time is turned by hand, so that days pass in
seconds and every timer fires exactly when it would. The provider knows the truth and serves it
late, in disorder, with gaps or not at all; a judge demands evidence for each edge.
Each run of the tests takes the same steps; `--hypothesis-profile=long` looks for new ones for ten
minutes or so, and shortens what fails.
"""
