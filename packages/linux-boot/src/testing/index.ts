export {
  syntheticBzImage,
  syntheticBzImageOf,
  syntheticElf,
  syntheticMultiboot,
  syntheticVmlinux,
  type SyntheticBzImageOptions,
  type SyntheticElfOptions,
  type SyntheticMultibootOptions,
  type SyntheticVmlinuxOptions,
} from './synthetic-kernels.js';
