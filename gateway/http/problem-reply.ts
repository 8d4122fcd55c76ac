import { problemBody, problemHeaders, type Problem } from '../problems.ts';
import type { Reply } from './exchange.ts';

/** Returns the answer of a request that a problem ended, with the headers that belong to it. */
export function problemReply(problem: Problem, headers: Readonly<Record<string, string>>): Reply {
  return {
    status: problem.status,
    body: problemBody(problem),
    headers: { ...headers, ...problemHeaders(problem) },
  };
}
