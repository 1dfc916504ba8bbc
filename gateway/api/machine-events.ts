import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { MachineEventRecords } from '../../reconciler/index.ts';
import { MachineEvents } from '../../schema/index.ts';
import { sendProblem } from '../errors.ts';

const MAX_BYTES = 512 * 1024;
const PAGE = 500;
const Query = z.object({ after: z.coerce.number().int().min(0).default(0) });

/** What developers’ machines tell of their skills: `POST /api/v1/events`, and the way to read it again. */
export function addMachineEventRoutes(app: FastifyInstance, records: MachineEventRecords): void {
  void app.register(async scope => {
    scope.post('/api/v1/events', { bodyLimit: MAX_BYTES }, async (request, reply) => {
      const parsed = MachineEvents.safeParse(request.body);
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        sendProblem(reply, 400, 'USAGE', `not events: ${issue?.path.join('.')}: ${issue?.message}`);
        return reply;
      }
      return reply.code(202).send({ added: records.add(parsed.data.events) });
    });
    scope.get('/api/v1/machine-events', async (request, reply) => {
      const query = Query.safeParse(request.query);
      if (!query.success) {
        sendProblem(reply, 400, 'USAGE', '`after` is a sequence number');
        return reply;
      }
      return reply.send({ events: records.since(query.data.after, PAGE) });
    });
  });
}
