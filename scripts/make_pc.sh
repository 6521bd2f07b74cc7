#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Prints beamc.pc.  From the Makefile: PREFIX, LIBDIR, VERSION, PKGS.
cat <<END
prefix=$PREFIX
includedir=\${prefix}/include
libdir=$LIBDIR

Name: beamc
Description: Apache Beam pipelines in C
URL: https://beam.apache.org/
Version: $VERSION
Cflags: -I\${includedir}
Libs: -L\${libdir} -lbeamc
Requires.private: $PKGS
Libs.private: -lgrpc -lgpr -lbz2 -lm -pthread
END
