export { startPrepareTurn } from './start.ts';
