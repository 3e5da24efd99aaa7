# The manual: docs/*.md in English, docs/zh_CN in Chinese, built by meson.build.

project = "Atelier"
author = "The Atelier developers"
copyright = "2026, The Atelier developers"

extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
exclude_patterns = ["zh_CN", "gallery/README.md"]
# Chapters link sections of others by file name, which needs no label.
suppress_warnings = ["myst.header"]

html_theme = "alabaster"
html_theme_options = {
    "description": "Learned filters for GIMP 3",
    "fixed_sidebar": True,
    "page_width": "62rem",
    "sidebar_width": "15rem",
    "show_powered_by": False,
}
html_title = "Atelier"
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["manual.css"]
html_css_files = ["manual.css"]
