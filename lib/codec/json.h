/** @file json.h
 *  The parsed tree behind struct mams_json, for the files of lib/codec alone.  Layer: codec. */
#pragma once

#include <jansson.h>

struct mams_json {
	json_t *root;
};
