/**
 * /init of our initramfs images: busybox ash. It reads from the kernel's command line
 *   root=DEV [rootfstype=T] [rootflags=F] [ro|rw] [init=PATH] [rootdelay=S]   mount DEV and switch to it
 *   pckit.exec=WORD or pckit.exec="WORDS"                                      run this, report its status, power off
 *   pckit.modules=a,b                                                          modules to load besides
 *   pckit.net=off                                                              leave the network alone
 * and else gives a shell on the console. What follows the end of the shell is a power-off.
 */
export const INIT_SCRIPT = `#!/bin/sh
# Made by @pckit/debian-image.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root TERM=\${TERM:-linux}

say() { echo "pckit: $*"; }

/bin/busybox mount -t proc -o nosuid,nodev,noexec proc /proc
/bin/busybox mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
/bin/busybox mount -t devtmpfs -o nosuid devtmpfs /dev
/bin/busybox --install -s
# busybox's poweroff, halt and reboot tell process 1 with a signal; -f asks the kernel.
trap '/bin/busybox poweroff -f' USR2
trap '/bin/busybox halt -f' USR1
trap '/bin/busybox reboot -f' TERM
off() {
  /bin/busybox poweroff -f
  sleep 60
}
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs /dev/shm
mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs /run
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs /tmp
ln -sf /proc/self/fd /dev/fd
ln -sf /proc/self/fd/0 /dev/stdin
ln -sf /proc/self/fd/1 /dev/stdout
ln -sf /proc/self/fd/2 /dev/stderr

root= fstype= flags= mode=ro realinit=/sbin/init delay=30 more= exec= net=
cmdline=$(cat /proc/cmdline)
set -f # no word of it is a pattern
for word in $cmdline; do
  case "$word" in
    root=*) root=\${word#root=} ;;
    rootfstype=*) fstype=\${word#rootfstype=} ;;
    rootflags=*) flags=\${word#rootflags=} ;;
    rootdelay=*) delay=\${word#rootdelay=} ;;
    ro|rw) mode=$word ;;
    init=*) realinit=\${word#init=} ;;
    pckit.modules=*) more=\${word#pckit.modules=} ;;
    pckit.exec=*) exec=\${word#pckit.exec=} ;;
    pckit.net=*) net=\${word#pckit.net=} ;;
  esac
done
case "$cmdline" in
  *pckit.exec=\\"*) exec=\${cmdline#*pckit.exec=\\"}; exec=\${exec%%\\"*} ;;
  *\\"pckit.exec=*) exec=\${cmdline#*\\"pckit.exec=}; exec=\${exec%%\\"*} ;;
esac

set +f

modules=/lib/modules/$(uname -r)
if [ -r /lib/pckit/load ]; then
  while read -r module; do
    insmod "$modules/$module" || say "insmod $module failed"
  done < /lib/pckit/load
fi
for module in $(echo "$more" | tr , ' '); do
  modprobe "$module" || say "modprobe $module failed"
done
# What the devices ask for, twice: a transport's driver brings devices of its own.
if [ -s "$modules/modules.alias" ]; then
  for pass in 1 2; do
    for alias in $(cat /sys/bus/*/devices/*/modalias 2>/dev/null | sort -u); do
      modprobe -q -b "$alias" 2>/dev/null
    done
  done
fi

# In the background, because a trap waits for a program in the foreground, but not for \`wait\`.
shell() {
  setsid cttyhack sh -l < /dev/console &
  wait $!
}

if [ -n "$root" ] && [ "$root" != /dev/ram0 ]; then
  waited=0
  device=
  while :; do
    case "$root" in
      UUID=*|LABEL=*) device=$(findfs "$root" 2>/dev/null) ;;
      *) device=$root ;;
    esac
    [ -b "$device" ] && break
    if [ $waited -ge $((delay * 10)) ]; then
      say "no block device $root after $delay s; there are:"
      cat /proc/partitions
      shell
      off
    fi
    waited=$((waited + 1))
    sleep 0.1
  done
  types=$fstype
  [ -n "$types" ] || types="ext4 $(grep -v -e nodev -e ext4 /proc/filesystems)"
  mkdir -p /newroot
  mounted=
  for type in $types; do
    if mount -t $type -o "$mode\${flags:+,$flags}" "$device" /newroot 2>/dev/null; then
      mounted=$type
      break
    fi
  done
  if [ -z "$mounted" ]; then
    say "can't mount $device as" $types
    shell
    off
  fi
  if [ ! -x "/newroot$realinit" ] && [ ! -L "/newroot$realinit" ]; then
    say "$device ($mounted) has no $realinit"
    shell
    off
  fi
  umount /tmp /dev/shm /dev/pts
  mount -o move /run /newroot/run 2>/dev/null || umount /run
  mount -o move /sys /newroot/sys
  mount -o move /dev /newroot/dev
  mount -o move /proc /newroot/proc
  exec switch_root /newroot "$realinit"
  say "switch_root failed"
  sh
fi

[ -w /proc/sys/kernel/hostname ] && echo pckit > /proc/sys/kernel/hostname
ip link set lo up 2>/dev/null || ifconfig lo 127.0.0.1 up 2>/dev/null
# Ethernet by DHCP. udhcpc stays to renew the lease; where nobody answers in two seconds it goes on asking in the background.
for card in /sys/class/net/eth*; do
  [ -e "$card" ] && [ "$net" != off ] || continue
  name=\${card##*/}
  ip link set "$name" up || continue
  waited=0
  while [ "$(cat "$card/carrier" 2>/dev/null)" != 1 ] && [ $waited -lt 20 ]; do
    waited=$((waited + 1))
    sleep 0.1
  done
  udhcpc -b -t 2 -T 1 -i "$name" -s /lib/pckit/udhcpc > /run/udhcpc.$name.log 2>&1 || say "udhcpc on $name failed, see /run/udhcpc.$name.log"
done
[ -r /etc/rc ] && . /etc/rc

if [ -n "$exec" ]; then
  sh -c "$exec" < /dev/console &
  wait $!
  say "exit status $?"
  off
fi

say "$(uname -sr), leave the shell with exit or poweroff"
shell
off
`;

/** What udhcpc calls, with what it was told in the environment: busybox's examples/udhcp/simple.script does the same. */
export const UDHCPC_SCRIPT = `#!/bin/sh
case "$1" in
  deconfig)
    ip addr flush dev "$interface"
    ip link set "$interface" up
    ;;
  bound|renew)
    ip addr flush dev "$interface"
    ip addr add "$ip/\${mask:-24}" broadcast "\${broadcast:-+}" dev "$interface"
    [ -z "$mtu" ] || ip link set "$interface" mtu "$mtu"
    for address in $router; do
      ip route replace default via "$address" dev "$interface"
      break
    done
    {
      [ -z "$search$domain" ] || echo "search \${search:-$domain}"
      for address in $dns; do echo "nameserver $address"; done
    } > /etc/resolv.conf
    ;;
esac
`;
