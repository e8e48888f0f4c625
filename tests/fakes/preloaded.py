"""Import what each Home Assistant imports, once for all that are forked."""

from demo import launcher

launcher.patch_setup()
launcher.base_components()
