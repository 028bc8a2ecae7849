#!/bin/sh
# A Debian disk for tests: debootstrap, systemd, a compiler; ext4 without a partition table; root's password is "pckit".
#
#   make-rootfs.sh IMAGE [SUITE [SIZE [MIRROR]]]      bookworm, 2G, Debian's public mirror
#
# PCKIT_PACKAGES=nodejs,sqlite3 installs these too. Needs root, debootstrap and e2fsprogs 1.43 (mke2fs -d); a loop device isn't used.
# The disk boots with the suite's kernel and an initramfs from @pckit/debian-image, on virtio-blk: root=/dev/vda console=ttyS0. systemd
# starts a getty on the console.
set -eu

image=${1:?usage: make-rootfs.sh IMAGE [SUITE [SIZE [MIRROR]]]}
suite=${2:-bookworm}
size=${3:-2G}
mirror=${4:-http://deb.debian.org/debian}

packages=systemd,systemd-sysv,udev,dbus,libpam-systemd,login,passwd,kmod,util-linux,e2fsprogs,procps
packages=$packages,openssh-server,ethtool,iproute2,iputils-ping,netbase,ifupdown,isc-dhcp-client,openssh-client,ca-certificates,curl,apt
packages=$packages,bind9-dnsutils,iperf3
packages=$packages,gcc,libc6-dev,python3-minimal,strace,file,less,vim-tiny${PCKIT_PACKAGES:+,$PCKIT_PACKAGES}

[ "$(id -u)" = 0 ] || { echo "make-rootfs.sh: needs root (debootstrap makes device nodes and chroots)" >&2; exit 1; }
for tool in debootstrap mke2fs; do
  command -v $tool > /dev/null || { echo "make-rootfs.sh: install $tool (apt-get install debootstrap e2fsprogs)" >&2; exit 1; }
done

work=$(mktemp -d "$(dirname "$image")/rootfs.XXXXXX")
trap 'rm -rf "$work" "$image.new"' EXIT
tree=$work/tree

debootstrap --arch=amd64 --variant=minbase --include=$packages "$suite" "$tree" "$mirror"

echo 'root:pckit' | chroot "$tree" chpasswd
echo pckit > "$tree/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 pckit\n' > "$tree/etc/hosts"
printf '/dev/vda / ext4 defaults,errors=remount-ro 0 1\n' > "$tree/etc/fstab"
# Every Ethernet card by DHCP, whatever udev calls it; ssh for root, by password too: this is a disk for tests.
cat > "$tree/etc/network/interfaces.d/ethernet" << 'END'
auto /eth*=ethernet /en*=ethernet
iface ethernet inet dhcp
END
# An emulated processor on a busy host may take minutes for what systemd gives 90 seconds.
mkdir -p "$tree/etc/systemd/system.conf.d"
printf '[Manager]\nDefaultTimeoutStartSec=30min\nDefaultDeviceTimeoutSec=30min\n' > "$tree/etc/systemd/system.conf.d/patience.conf"
echo 'PermitRootLogin yes' > "$tree/etc/ssh/sshd_config.d/pckit.conf"
rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/*

rm -f "$image.new"
truncate -s "$size" "$image.new"
mke2fs -q -t ext4 -L pckit-root -d "$tree" "$image.new"
mv "$image.new" "$image"
echo "$image: $suite, $(du -h "$image" | cut -f1) used"
