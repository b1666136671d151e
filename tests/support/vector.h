/** @file vector.h
 *  Files of keys and values with octets in hexadecimal; form in tests/vectors/gma/README.md.
 *  Layer: tests. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VECTOR_LINES 32

struct mams_vector {
	const char *name; /**< of the file, borrowed from the directory listing */
	char text[8192];
	size_t n;
	struct {
		const char *key;
		char *value;
	} line[VECTOR_LINES];
};

/** Call run for every *.txt in dir; returns how many, 0 when the directory cannot be read. */
size_t mams_vector_each(const char *dir, void (*run)(const struct mams_vector *v));
/** NULL where the key is absent. */
const char *mams_vector_text(const struct mams_vector *v, const char *key);
/** 0 where the key is absent. */
uint32_t mams_vector_number(const struct mams_vector *v, const char *key, int base);
/** Octets of the value into out[cap]; their number. */
size_t mams_vector_octets(const struct mams_vector *v, const char *key, uint8_t *out, size_t cap);
