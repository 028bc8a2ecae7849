import { DiskImageError } from '../disk-image-error.js';
import type { ImageFile } from '../image-file.js';
import { ClusterMap } from './cluster-map.js';
import type { Qcow2Header } from './header.js';
import type { Refcounts } from './refcounts.js';
import { readSnapshots } from './snapshots.js';

/**
 * How often each cluster of the file is used, counted from everything that uses one: header, tables, snapshots, data. An image that is to be written is
 * counted first: with a count that is too low, or a cluster with two users that each think it is theirs, writing one thing would destroy another.
 */

/** 8 TiB of clusters of 64 KiB; a file that says it is longer is not one of ours. */
const MAX_CLUSTERS = 2 ** 27;
const MAX_COUNT = 0xffff;

export function countUsers(file: ImageFile, header: Qcow2Header, refcounts: Refcounts): Uint16Array {
  const cluster = 2 ** header.clusterBits;
  const clusters = Math.ceil(file.length / cluster);
  if (clusters > MAX_CLUSTERS) throw new DiskImageError('corrupt', `${file.name}: ${file.length} bytes in clusters of ${cluster}; ${MAX_CLUSTERS} clusters are the most`);
  const users = new Uint16Array(clusters);
  const use = (offset: number, bytes = cluster): void => {
    for (let at = Math.floor(offset / cluster); at * cluster < offset + bytes && at < clusters; at++) users[at] = Math.min(users[at] + 1, MAX_COUNT);
  };
  use(0);
  for (const offset of refcounts.ownClusters()) use(offset);
  const { snapshots, bytes } = readSnapshots(file, header);
  if (header.snapshotCount > 0) use(header.snapshotsOffset, bytes);
  const tables = [{ offset: header.l1Offset, size: header.l1Size }, ...snapshots.map(({ l1Offset, l1Size }) => ({ offset: l1Offset, size: l1Size }))];
  for (const table of tables) {
    if (table.size > 0) use(table.offset, table.size * 8);
    forEachCluster(file, header, table, (offset, length) => use(offset, length));
  }
  return users;
}

/** @throws DiskImageError unless every cluster is counted at least as often as it is used, and what is marked as exclusive is */
export function expectConsistent(file: ImageFile, header: Qcow2Header, refcounts: Refcounts): void {
  const users = countUsers(file, header, refcounts);
  const corrupt = (why: string): DiskImageError => new DiskImageError('corrupt', `${file.name}: ${why}; "qemu-img check ${file.name}" says more`);
  for (let at = 0; at < users.length; at++) {
    if (refcounts.get(at) < users[at]) throw corrupt(`cluster ${at} is used ${users[at]} times and counted ${refcounts.get(at)} times`);
  }
  const cluster = 2 ** header.clusterBits;
  const active = { offset: header.l1Offset, size: header.l1Size };
  forEachCluster(file, header, active, (offset, _length, copied) => {
    if (copied && refcounts.get(offset / cluster) !== 1) throw corrupt(`the cluster at ${offset} is marked as used once and counted ${refcounts.get(offset / cluster)} times`);
  });
  for (const offset of refcounts.ownClusters()) if (users[offset / cluster] !== 1) throw corrupt(`the refcounts at ${offset} lie in a cluster with other users`);
  for (let offset = header.l1Offset; offset < header.l1Offset + header.l1Size * 8; offset += cluster) {
    if (users[offset / cluster] !== 1) throw corrupt('the L1 table lies in a cluster with other users');
  }
  if (users[0] !== 1) throw corrupt('the header lies in a cluster with other users');
}

/** Makes the counts what they should be: after a crash with lazy refcounts (the dirty bit). */
export function recount(file: ImageFile, header: Qcow2Header, refcounts: Refcounts): void {
  const users = countUsers(file, header, refcounts);
  for (let at = 0; at < users.length; at++) if (refcounts.get(at) !== users[at]) refcounts.set(at, users[at]);
}

/** Every L2 table, and every cluster that an L1 table leads to. */
function forEachCluster(
  file: ImageFile,
  header: Qcow2Header,
  table: { readonly offset: number; readonly size: number },
  visit: (offset: number, length: number, copied: boolean) => void,
): void {
  const cluster = 2 ** header.clusterBits;
  const map = new ClusterMap(file, header, table);
  for (let index = 0; index < map.l1Size; index++) {
    const { at, copied } = map.l1(index);
    if (at === 0) continue;
    visit(at, cluster, copied);
    for (let i = 0; i < map.perTable; i++) {
      const found = map.get(index * map.perTable + i);
      if (found.kind === 'compressed') visit(found.at, Math.min(found.bytes, file.length - found.at), false);
      else if (found.kind !== 'none' && found.at !== 0) visit(found.at, cluster, found.copied);
    }
    map.forget();
  }
}
