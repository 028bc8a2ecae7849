export { readAr, type ArMember } from './ar.js';
export {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  readCpio,
  writeCpio,
  type CpioEntry,
} from './cpio.js';
export { parseStanzas, readDeb, type Deb } from './deb.js';
export { decompress, decompressChunks, detectCompression, type Compression } from './decompress.js';
export {
  DEFAULT_GUEST,
  GUESTS,
  UNUSED_MODULE_DIRECTORIES,
  findGuest,
  type DebianArchitecture,
  type DebianSuite,
  type GuestDefinition,
} from './guest-catalogue.js';
export { ImageError, type ImageErrorCode } from './image-error.js';
export { INIT_SCRIPT } from './init-script.js';
export {
  DEFAULT_LOAD,
  DEFAULT_ON_DEMAND,
  buildInitramfs,
  type ImageFile,
  type ImageLink,
  type Initramfs,
  type InitramfsOptions,
} from './initramfs.js';
export {
  readBusyboxPackage,
  readKernelPackage,
  type KernelPackage,
  type ReadKernelOptions,
} from './kernel-package.js';
export { normalizeModuleName, readModuleInfo, type ModuleInfo } from './modinfo.js';
export {
  moduleName,
  parseModulesBuiltin,
  resolveModules,
  type ModuleSelection,
  type ModuleTree,
  type ResolvedModule,
} from './modules.js';
export { readTar, type TarEntry, type TarType } from './tar.js';
