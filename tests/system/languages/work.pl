# What a program for Perl does; nothing of it depends on time, chance or locale.
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Digest::SHA qw(sha256_hex);
use Math::BigInt;

my $state = 12345;
sub number { return $state = ($state * 1103515245 + 12345) % 4294967296 }

my @numbers = map { number() } 1 .. 40000;
print "sorted ", md5_hex(join ',', sort { $a <=> $b } @numbers), "\n";
my $text = join ' ', map { 'w' . number() % 997 } 1 .. 30000;
my %words;
$words{$_}++ for $text =~ /(w\d+)/g;
print "words ", sha256_hex(join ',', map { "$_=$words{$_}" } sort keys %words), "\n";
(my $changed = $text) =~ s/w(\d)(\d*)/$2$1/g;
$changed =~ tr/0-9/9876543210/;
print "changed ", md5_hex($changed), " ", scalar reverse(substr $changed, 0, 20), "\n";
print "factorial ", md5_hex(Math::BigInt->new(300)->bfac->bstr), "\n";
my ($sum, $product) = (0, 1);
for my $k (1 .. 300000) { $sum += 1 / $k ** 2; $product = $product * ($k | 1) % 1000003 }
printf "sum %.15g product %d\n", $sum, $product;
printf "packed %s\n", unpack 'H*', pack 'w/a* d> n N q>', 'abc', -1.5, 258, 65538, -2;
