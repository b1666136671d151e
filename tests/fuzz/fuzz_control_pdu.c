/* MX Control PDUs from either side.  The first octet says which; what decodes is encoded again and
 * must read the same. */
#include "lib/mx/mx_control.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t out[4096];
	struct mx_control c;
	struct mx_control again;
	bool network;
	int len;

	if (size < 1 || size > sizeof(out))
		return 0;
	network = data[0] & 1;
	if (mx_control_decode(data + 1, size - 1, network, &c) != 0)
		return 0;
	if (c.padding_len > size - 1 || (c.has_rcid && !c.want_ack))
		abort();
	len = mx_control_encode(&c, out, sizeof(out));
	if (len < 4 || mx_control_decode(out, (size_t)len, network, &again) != 0)
		abort();
	if (c.kind != again.kind || c.cid != again.cid || c.sn != again.sn ||
		c.want_ack != again.want_ack || c.active != again.active ||
		c.has_rcid != again.has_rcid || c.rcid != again.rcid ||
		c.padding_len != again.padding_len)
		abort();
	if (c.padding_len && memcmp(c.padding, again.padding, c.padding_len) != 0)
		abort();
	return 0;
}
