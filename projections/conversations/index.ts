import type { Database } from '../../storage/database.ts';
import type { Projection } from '../projection.ts';
import { beginFold } from './fold.ts';
import { openConversationTable } from './table.ts';

/** Opens the read model of conversations.v1 in its database. */
export function openConversations(database: Database): Projection {
  const table = openConversationTable(database);
  return {
    name: 'conversations-v1',
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
  };
}
