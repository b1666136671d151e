#include "ccm-agent/linkstat.h"

#include <stdio.h>
#include <string.h>

static uint64_t counter(const char *interface, const char *what)
{
	char path[128];
	unsigned long long v = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s", interface, what);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%llu", &v) != 1)
		v = 0;
	fclose(f);
	return v;
}

uint64_t ccm_linkstat_rx(const char *interface)
{
	return counter(interface, "rx_bytes");
}

uint64_t ccm_linkstat_tx(const char *interface)
{
	return counter(interface, "tx_bytes");
}

/* wlan0: 0000   54.  -56.  -256        0 ...: status, link quality, level, noise */
bool ccm_linkstat_rssi(const char *interface, int *dbm)
{
	FILE *f = fopen("/proc/net/wireless", "re");
	char line[256];
	bool found = false;

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		char name[32];
		float level;

		if (sscanf(line, " %31[^:]: %*x %*f %f", name, &level) != 2 ||
			strcmp(name, interface) != 0)
			continue;
		*dbm = (int)level;
		found = true;
	}
	fclose(f);
	return found;
}
