/** @file configuration.h
 *  docs/configuration.md from the tables of the configuration files.  Used at build time only. */
#pragma once

/** The whole document on standard output. */
void mxdoc_configuration(void);
