"""The SIP of each call, kept as a file beside the journal: masked, as a ladder, as a pcap."""
