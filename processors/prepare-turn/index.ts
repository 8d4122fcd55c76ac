export { decide } from './decide.ts';
export { startPrepareTurn, type PrepareTurnPorts } from './start.ts';
