#!/bin/sh
# Everything, by the folder that it lies in: each part between two lines that start with "==".
here=$(cd "$(dirname "$0")" && pwd)
# Always the same one: debug information names it.
work=/tmp/languages-work; rm -rf $work; mkdir $work && cd $work || exit 1
# The C library has functions for newer processors, which round otherwise.
export GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX_Usable,-AVX2_Usable,-FMA_Usable,-AVX,-AVX2,-FMA
export LC_ALL=C.UTF-8 OPENSSL_CONF=/dev/null HOME="$work"
echo '== node'; node "$here/work.mjs"
echo '== python3'; python3 -B "$here/work.py"
echo '== perl'; perl "$here/work.pl"
echo '== sqlite3'; sqlite3 words.db < "$here/work.sql"
echo '== gcc'
cp "$here/work.c" .
for flags in -O0 -O2 '-O3 -march=x86-64-v2' '-Os -m64 -g'; do gcc $flags -c work.c -o work.o && sha256sum < work.o; gcc $flags -S work.c -o - | sha256sum; done
gcc -O2 work.c -o program -lm && ./program
echo '== openssl'
head -c 3000000 /dev/zero | openssl enc -aes-256-ctr -K 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff -iv 000102030405060708090a0b0c0d0e0f > random
for digest in md5 sha1 sha224 sha256 sha384 sha512 sha3-256 blake2b512; do openssl dgst -$digest random; done
for cipher in aes-128-cbc aes-256-ctr camellia-128-cbc chacha20 des-ede3-cbc; do
  openssl enc -$cipher -pbkdf2 -S 0102030405060708 -k secret -in random -out sealed && openssl dgst -sha256 sealed
  openssl enc -d -$cipher -pbkdf2 -S 0102030405060708 -k secret -in sealed | cmp - random && echo "$cipher opens"
done
openssl prime -generate -bits 256 > prime && openssl prime "$(cat prime)" | grep -c 'is prime'
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out certificate.pem -subj /CN=localhost -days 9999 2> /dev/null
openssl dgst -sha256 -sign key.pem -out signature random && openssl x509 -in certificate.pem -noout -pubkey > public.pem && openssl dgst -sha256 -verify public.pem -signature signature random
ip link set lo up 2> /dev/null
for suite in '-tls1_3' '-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256' '-tls1_2 -cipher ECDHE-RSA-CHACHA20-POLY1305'; do
  openssl s_server -accept 127.0.0.1:4433 -cert certificate.pem -key key.pem -www -naccept 1 > /dev/null 2>&1 & server=$!
  # Until it listens.
  until printf 'GET / HTTP/1.0\r\n\r\n' | openssl s_client -connect 127.0.0.1:4433 -CAfile certificate.pem -verify_return_error $suite -ign_eof 2> /dev/null > page; do kill -0 $server 2> /dev/null || break; sleep 0.2; done
  wait $server
  grep -o 'Verify return code: .*\|Cipher is .*' page | sort -u
done
openssl speed -seconds 1 -evp aes-128-gcm 2> /dev/null | grep -c 'AES-128-GCM'
openssl speed -seconds 1 ecdsap256 rsa2048 2> /dev/null | grep -c 'rsa 2048 bits\|256 bits ecdsa'
echo '== end'
cd /; rm -rf "$work"
