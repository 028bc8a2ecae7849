export { NodeHost, type NodeHostOptions } from './node-host.js';
export { RealClock } from './real-clock.js';
export { serveStream, type StreamServer, type StreamServerOptions } from './stream-server.js';
export { tftpFolder } from './tftp-folder.js';
export { serveWebSocket, type WebSocketOptions } from './web-socket-server.js';
