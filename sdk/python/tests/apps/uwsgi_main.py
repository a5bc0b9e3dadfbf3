"""Starts uWSGI in this process: `python -m apps.uwsgi_main OPTIONS`."""

import sys

import pyuwsgi

pyuwsgi.run(sys.argv[1:])
