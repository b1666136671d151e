#include "ncm-service/fresh.h"

#include "lib/base/err.h"

#include <sys/random.h>

#define KEY_OCTETS 32

void ncm_fresh_octets(void *p, size_t n)
{
	/* at most 256 octets never fail nor come short once the kernel's pool is ready */
	mams_assert(getrandom(p, n, 0) == (ssize_t)n);
}

void ncm_fresh_key(char out[NCM_KEY_MAX])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t key[KEY_OCTETS + 1] = {0};
	size_t n = 0;

	ncm_fresh_octets(key, KEY_OCTETS);
	for (size_t i = 0; i < KEY_OCTETS; i += 3) {
		uint32_t v = (uint32_t)key[i] << 16 | (uint32_t)key[i + 1] << 8 |
			     (i + 2 < KEY_OCTETS ? key[i + 2] : 0u);

		out[n++] = digits[v >> 18];
		out[n++] = digits[v >> 12 & 63];
		out[n++] = digits[v >> 6 & 63];
		out[n++] = i + 2 < KEY_OCTETS ? digits[v & 63] : '=';
	}
	out[n] = '\0';
	mams_wipe(key, sizeof(key));
}

uint32_t ncm_fresh_number(void)
{
	uint32_t v;

	ncm_fresh_octets(&v, sizeof(v));
	return v >> 1 | 1u;
}
