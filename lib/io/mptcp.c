#include "lib/io/mptcp.h"

#include <errno.h>
#include <linux/mptcp.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SOL_MPTCP
#define SOL_MPTCP 284
#endif
#define OPT_FULL_INFO 4
#define SUBFLOWS_MAX 16u

/** The kernel's interface for MPTCP_FULL_INFO; absent from older headers. */
struct sf_info {
	uint32_t id;
	struct sockaddr_storage local __attribute__((aligned(8)));
	struct sockaddr_storage remote;
};

struct full_info {
	uint32_t size_tcpinfo_kernel;
	uint32_t size_tcpinfo_user;
	uint32_t size_sfinfo_kernel;
	uint32_t size_sfinfo_user;
	uint32_t num_subflows;
	uint32_t size_arrays_user;
	uint64_t subflow_info;
	uint64_t tcp_info;
	uint8_t mptcp_info[256]; /* the kernel writes as much as optlen allows */
};

bool mams_mptcp_is(int fd)
{
	int protocol = 0;
	socklen_t len = sizeof(protocol);

	return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 &&
	       protocol == IPPROTO_MPTCP;
}

static int try_congestion(const char *name, char out[MAMS_CONGESTION_LEN])
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	int rc;

	if (fd < 0)
		return -errno;
	rc = setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) == 0
		     ? 0
		     : -errno;
	close(fd);
	if (rc == 0)
		snprintf(out, MAMS_CONGESTION_LEN, "%s", name);
	return rc;
}

int mams_mptcp_congestion(const char *wanted, char out[MAMS_CONGESTION_LEN])
{
	out[0] = '\0';
	if (strcmp(wanted, "system") == 0)
		return 0;
	if (strcmp(wanted, "auto") != 0)
		return try_congestion(wanted, out);
	if (try_congestion("cubic", out) == 0)
		return 0;
	return try_congestion("reno", out);
}

void mams_mptcp_set_congestion(int fd, const char *name)
{
	if (name[0])
		(void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name));
}

int mams_mptcp_info(int fd, struct mams_mptcp_info *out)
{
	struct mptcp_info info = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, SOL_MPTCP, MPTCP_INFO, &info, &len) != 0)
		return -errno;
	*out = (struct mams_mptcp_info){
		.token = info.mptcpi_token,
		.subflows = info.mptcpi_subflows,
		.fallback = (info.mptcpi_flags & MPTCP_INFO_FLAG_FALLBACK) != 0,
	};
	return 0;
}

static void fill(
	struct mams_mptcp_subflow *out, const struct sf_info *sf, const struct tcp_info *ti)
{
	*out = (struct mams_mptcp_subflow){
		.id = (uint8_t)sf->id,
		.rtt_us = ti->tcpi_rtt,
		.rttvar_us = ti->tcpi_rttvar,
		.min_rtt_us = ti->tcpi_min_rtt,
		.cwnd = ti->tcpi_snd_cwnd,
		.ssthresh = ti->tcpi_snd_ssthresh,
		.unacked = ti->tcpi_unacked,
		.notsent = ti->tcpi_notsent_bytes,
		.mss = ti->tcpi_snd_mss,
		.pmtu = ti->tcpi_pmtu,
		.delivery_rate = ti->tcpi_delivery_rate,
		.bytes_sent = ti->tcpi_bytes_sent,
		.bytes_acked = ti->tcpi_bytes_acked,
		.bytes_received = ti->tcpi_bytes_received,
		.segs_sent = ti->tcpi_data_segs_out,
		.segs_received = ti->tcpi_data_segs_in,
		.retransmits = ti->tcpi_total_retrans,
		.spurious = ti->tcpi_dsack_dups,
	};
	if (mams_addr_from_sa((const struct sockaddr *)&sf->local, &out->local) != 0 ||
		mams_addr_from_sa((const struct sockaddr *)&sf->remote, &out->remote) != 0)
		out->id = 0;
}

int mams_mptcp_subflows(int fd, struct mams_mptcp_subflow *out, size_t cap, size_t *n)
{
	struct sf_info sf[SUBFLOWS_MAX];
	struct tcp_info ti[SUBFLOWS_MAX];
	struct full_info full = {
		.size_tcpinfo_user = sizeof(ti[0]),
		.size_sfinfo_user = sizeof(sf[0]),
		.size_arrays_user = SUBFLOWS_MAX,
		.subflow_info = (uint64_t)(uintptr_t)sf,
		.tcp_info = (uint64_t)(uintptr_t)ti,
	};
	socklen_t len = sizeof(full);

	memset(sf, 0, sizeof(sf));
	memset(ti, 0, sizeof(ti));
	*n = 0;
	if (getsockopt(fd, SOL_MPTCP, OPT_FULL_INFO, &full, &len) != 0)
		return -errno;
	for (; *n < full.num_subflows && *n < SUBFLOWS_MAX && *n < cap; (*n)++)
		fill(&out[*n], &sf[*n], &ti[*n]);
	return 0;
}
