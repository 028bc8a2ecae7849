export {
  syntheticBzImage,
  syntheticElf,
  syntheticMultiboot,
  type SyntheticBzImageOptions,
  type SyntheticElfOptions,
  type SyntheticMultibootOptions,
} from './synthetic-kernels.js';
