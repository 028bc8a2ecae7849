#!/bin/sh
# Assembles the guest kernels: build.sh [OUTPUT-FOLDER [NAME...]]. Without arguments it renews the images that are committed beside the sources.
set -e
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- $(cd "$here" && ls *.s | sed 's/\.s$//')
for name in "$@"; do
  # 64-bit relocations need a 64-bit object; multiboot loaders want a 32-bit file.
  as --64 -I "$here" -o "$out/$name.o" "$here/$name.s"
  ld -m elf_x86_64 -z noexecstack -z max-page-size=0x1000 --build-id=none --no-warn-rwx-segments -s -T "$here/guest.ld" -o "$out/$name.elf64" "$out/$name.o"
  objcopy -O elf32-i386 "$out/$name.elf64" "$out/$name.elf"
  rm "$out/$name.o" "$out/$name.elf64"
done
