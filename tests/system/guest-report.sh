# What a guest shows of itself; kernels.ts reads it on the console. Some work first, on all processors at once, and time for the kernel's
# watchdogs to see it.
for i in 1 2 3 4; do
  dd if=/dev/urandom bs=64k count=32 2> /dev/null | sha256sum > /tmp/sum$i &
done
wait
sleep 3
dmesg -n 1 # nothing of the kernel's in between
echo "== uname"
uname -a
echo "== cpus"
cat /sys/devices/system/cpu/online
echo "== processors"
grep -c ^processor /proc/cpuinfo
echo "== clocksource"
cat /sys/devices/system/clocksource/clocksource0/current_clocksource
echo "== interrupts"
cat /proc/interrupts
echo "== slots"
for slot in /sys/bus/pci/slots/*; do echo "${slot##*/} $(cat "$slot/address")"; done
echo "== dmesg"
dmesg -r
echo "== end"
dmesg -n 8
