# own-net.sh - sourced first, behind lib.sh: the test goes on in a network of its own, with nothing but the loopback interface, and a
# resolv.conf of its own.  There it can be a name server, listen on port 25 and have any address.
#
#   own_net                      skips the test where this cannot be done
#   own_address ADDRESS          a further address of the loopback interface
#   name_server <RECORDS         t/helper/dns-server with these records, in $T/zone; may be changed later
own_net() {
	if [ -z "${POSTERN_OWN_NET-}" ]; then
		[ "$(id -u)" = 0 ] || skip_all "needs root: a network of its own, with a name server in it"
		unshare -mn true 2>/dev/null || skip_all "unshare(1) cannot make a network and mounts of its own here"
		rm -rf "$T"
		POSTERN_OWN_NET=yes exec unshare -mn "$0"
	fi
	own_interface lo
}

# own_interface NAME [ADDRESS]: up, with that address
own_interface() {
	perl -MSocket -e '
		my ($name, $address) = @ARGV;
		socket(my $s, PF_INET, SOCK_DGRAM, 0) or die;
		!$address or ioctl($s, 0x8916, pack("a16 a16", $name, pack_sockaddr_in(0, inet_aton($address)))) or die "$name: $!\n";
		ioctl($s, 0x8914, pack("a16 s x14", $name, 0x41)) or die "$name: $!\n"' "$@"
}
own_addresses=0
own_address() {
	own_addresses=$((own_addresses + 1))
	own_interface "lo:$own_addresses" "$1"
}

name_server() {
	cat >"$T/zone"
	echo "nameserver 127.0.0.53" >"$T/resolv.conf"
	mount --bind "$T/resolv.conf" /etc/resolv.conf || return 1
	perl "$SRC/t/helper/dns-server" 127.0.0.53 "$T/zone" >"$T/name-server" 2>&1 &
	kill_at_end $!
	wait_for "${WAIT:-120}" grep -qs ready "$T/name-server"
}
