#include "trailer-madp/mac.h"

#include "lib/base/err.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

void madp_mac(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len, uint8_t out[32])
{
	/* it can fail for want of memory only; a MAC of which nobody knows the input fits nothing
	 */
	if (!HMAC(EVP_sha256(), key, (int)key_len, data, len, out, NULL))
		mams_assert(!"HMAC-SHA256");
}
