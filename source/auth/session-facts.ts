import type {Config} from '../store/config.ts';
import type {StatePaths} from '../store/paths.ts';
import {optional} from '../store/schema.ts';
import {type Pin, pinOf, readSessions, type Session} from '../store/sessions.ts';
import {decide} from './routing/decision.ts';
import {pinOfSession, targetOfSession} from './routing/session-target.ts';
import {type AgentSnapshot, usableFacts} from './snapshot.ts';
import {type Which, whichOf} from './which.ts';

/** A session as a list shows it. */
export interface SessionFacts {
	readonly key: string;
	readonly session: Session;
	/** The pin that is in force. */
	readonly pin?: Pin;
}

/**
 * The sessions of an agent, the one that changed last first.
 * @throws what `readSessions` throws
 */
export async function listSessions(paths: StatePaths, agentId: string): Promise<readonly SessionFacts[]> {
	const sessions = await readSessions(paths, agentId);
	return [...sessions]
		.map(([key, session]) => ({key, session, ...optional('pin', pinOf(session))}))
		.sort((a, b) => (b.session.updatedAt ?? 0) - (a.session.updatedAt ?? 0) || (a.key < b.key ? -1 : 1));
}

/** The model of a session, if it has one of its own. */
export function ownModelOf({providerOverride, modelOverride}: Session): string | undefined {
	return providerOverride && modelOverride ? `${providerOverride}/${modelOverride}` : undefined;
}

/**
 * What a session would use at `now` (epoch ms), and why; nothing where no model is configured and it keeps to no
 * profile.
 */
export function whichOfSession(
	agent: AgentSnapshot,
	config: Config,
	{key, session}: SessionFacts,
	now: number,
): Which | undefined {
	const profiles = usableFacts(agent);
	const target = targetOfSession(config, session, profiles);
	if (!target) return undefined;
	const pin = pinOfSession(session, profiles);
	const decision = decide({
		...{agentId: agent.id, target, pin, profiles, config, now},
		...{storeOrder: agent.order, mainOrder: agent.mainOrder},
	});
	return whichOf({agentId: agent.id, decision, ...optional('pin', pin)}, key);
}
