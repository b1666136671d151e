#include "proxy/key.h"

#include "proxy/convert.h"

#include <openssl/evp.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX (PX_KEY_MAX / 3 * 4)

int px_key_decode(const char *text, uint8_t out[PX_KEY_MAX])
{
	size_t len = strlen(text);
	int n;

	if (len == 0 || len % 4 || len > TEXT_MAX)
		return -MAMS_EVALUE;
	n = EVP_DecodeBlock(out, (const unsigned char *)text, (int)len);
	/* it counts the octets of the padding as well */
	n -= (text[len - 1] == '=') + (text[len - 2] == '=');
	return n > 0 && n <= (int)PX_CONVERT_COOKIE_MAX ? n : -MAMS_EVALUE;
}

int px_key_read(const char *path, uint8_t out[PX_KEY_MAX], struct mams_error *err)
{
	char line[TEXT_MAX + 2];
	FILE *f = fopen(path, "re");
	int n;

	if (!f)
		return mams_fail(err, errno, path, "%s", strerror(errno));
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	n = px_key_decode(line, out);
	mams_wipe(line, sizeof(line));
	return n < 0 ? mams_fail(err, MAMS_EVALUE, path,
			       "the first line is no base64 key of 1 to %u octets",
			       PX_CONVERT_COOKIE_MAX)
		     : n;
}
