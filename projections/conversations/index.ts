import { datasets } from '../../streams/topics.ts';
import { nameOf, type ProjectionDefinition } from '../projection.ts';
import { beginFold, foldAll } from './fold.ts';
import { CONVERSATIONS } from './queries.ts';
import { foldHash } from './state-hash.ts';
import { openConversationTable } from './table.ts';

const UNREAD_MESSAGE = ['causationId', 'producer'] as const;
const UNREAD_END = [
  ...UNREAD_MESSAGE,
  'occurredAt',
  'requestId',
  'claim',
  'modelHash',
  'engine',
  'promptHash',
  'templateHash',
  'codeVersion',
  'textBytes',
  'textHash',
  'firstSeq',
  'nextSeq',
  'deltaBytes',
  'deltaMillis',
  'startedAt',
] as const;

/** The read model of conversations.v1: every conversation, its turns and their answers. */
export const conversations: ProjectionDefinition = {
  ...CONVERSATIONS,
  dataset: datasets.conversations,
  unread: {
    MessageSubmitted: UNREAD_MESSAGE,
    InferenceCompleted: UNREAD_END,
    InferenceFailed: UNREAD_END,
    InferenceCancelled: UNREAD_END,
  },
  open(database, options) {
    const table = openConversationTable(database, options);
    return {
      name: nameOf(CONVERSATIONS),
      positions: table.positions,
      begin() {
        const fold = beginFold(table);
        let erases = false;
        return {
          apply(event) {
            fold.apply(event);
            erases ||= event.type === 'ConversationErased' || event.type === 'SubjectErased';
          },
          get size() {
            return fold.size;
          },
          get erases() {
            return erases;
          },
          save: () => table.save(fold.changes),
        };
      },
      clear: (partition) => table.clear(partition),
      lines: (partition) => table.lines(partition),
      count: () => table.count(),
    };
  },
  foldHash: (events) => foldHash(foldAll(events)),
};
