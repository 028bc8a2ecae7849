create table words (id integer primary key, word text, weight real);
with recursive n (k, s) as (select 1, 12345 union all select k + 1, (s * 1103515245 + 12345) % 2147483648 from n where k < 20000)
  insert into words select k, 'w' || (s % 997), s / 7.0 from n;
create index by_word on words (word);
select count(*), count(distinct word), round(sum(weight), 3) from words;
select word, count(*), round(avg(weight), 6) from words group by word order by 2 desc, 1 limit 5;
update words set weight = weight / 3 where word like 'w1%';
delete from words where id % 7 = 0;
select round(sum(a.weight * b.weight), 1) from words a join words b on a.word = b.word where a.id < 500 and b.id < 500;
select group_concat(hex(substr(word, 1, 4)), '.') from (select word from words order by weight desc limit 8);
pragma integrity_check;
