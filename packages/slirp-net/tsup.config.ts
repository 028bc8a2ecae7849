import { library } from '../../tsup.base.js';

export default library({ index: 'src/index.ts', node: 'src/node/index.ts', 'udp-worker': 'src/node/udp-worker.ts', testing: 'src/testing/index.ts' });
