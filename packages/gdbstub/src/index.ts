export { GdbSession } from './session.js';
export type { SessionOptions } from './session.js';
export { targetXml } from './architecture.js';
export type { Architecture, RegisterDescription } from './architecture.js';
export { amd64, i386 } from './architectures/amd64.js';
export type { Amd64Options } from './architectures/amd64.js';
export { AgentError, evaluateAgentExpression } from './agent-expression.js';
export type { AgentContext } from './agent-expression.js';
export { frame, FrameReader } from './framing.js';
export type { Frame } from './framing.js';
export type {
  Breakpoint,
  BreakpointKind,
  Breakpoints,
  Files,
  MemoryRange,
  MemoryRegion,
  Monitor,
  NonStop,
  ReadableFile,
  Relocation,
  ResumeAction,
  ResumePlan,
  Stop,
  Target,
  Thread,
  WatchKind,
  Watchpoint,
  Watchpoints,
} from './target.js';
