import {randomUUID} from 'node:crypto';
import {JarvisError} from '../errors.ts';
import {readConfig} from '../store/config.ts';
import {
	assertSessionKey,
	countCompaction,
	resetSession,
	type Session,
	setPin,
	unknownSession,
	updateSessions,
} from '../store/sessions.ts';
import {named} from './aim.ts';
import {prepare, type ResolveContext} from './resolve.ts';
import {type Problem, parseModelRef} from './routing/model-ref.ts';
import {modelContext} from './routing/session-target.ts';
import {
	applyDefaultModel,
	applyModel,
	type ModelChange,
	parseSlashCommand,
	slashHelp,
} from './routing/slash-command.ts';
import {modelListLines, statusLines} from './session-words.ts';
import {usableProfiles} from './usable.ts';
import {whichOf} from './which.ts';

type Clocked = Pick<ResolveContext, 'paths' | 'now'>;

/**
 * Carries out a slash command in a session (docs/sessions.md); one that sets a model makes the session if
 * there is none. Returns the lines that tell the person.
 * @throws `slash_command_unknown`, what `parseModelRef` gives as problems, `session_invalid_key`, and what the store throws
 */
export async function sendToSession(
	context: ResolveContext,
	agentId: string,
	key: string,
	line: string,
): Promise<readonly string[]> {
	assertSessionKey(key);
	const command = parseSlashCommand(line);
	if ('problem' in command) throw thrown(command.problem);
	switch (command.kind) {
		case 'help':
			return slashHelp();
		case 'reset':
			await beginAnew(context, agentId, key);
			// Who says so first in a new chat is right, too.
			return ['This session begins anew: it has no model and no profile of its own.'];
		case 'model-status': {
			const prepared = await prepare(context, {agentId, sessionKey: key}, 'resolve');
			return statusLines(whichOf(prepared, key), context.now());
		}
		case 'model-list':
			return modelListLines(context, agentId, key);
		case 'model-default':
			return changeModel(context, agentId, key, session => applyDefaultModel(session));
		case 'model-set': {
			const config = await readConfig(context.paths);
			const {profiles} = await usableProfiles(context.paths, config, agentId);
			return changeModel(context, agentId, key, session => {
				const known = modelContext(agentId, config, named(profiles), session);
				const parsed = parseModelRef(command.ref, known);
				if ('problem' in parsed) throw thrown(parsed.problem);
				return applyModel(session, parsed.ok, known.profiles);
			});
		}
	}
}

/**
 * Begins a session anew: without a model or a profile of its own. One that there is not begins so by itself, and is
 * not made for that.
 * @returns whether there was one
 * @throws `session_invalid_key`, and what the store throws
 */
export async function beginAnew(context: Clocked, agentId: string, key: string): Promise<boolean> {
	assertSessionKey(key);
	return updateSessions(context.paths, agentId, (document, current) => {
		if (!current.has(key)) return false;
		resetSession(document, key, stamp(context));
		return true;
	});
}

/**
 * Notes that a session's history was compacted, which ends its automatic pin.
 * @throws `session_unknown`, and what the store throws
 */
export async function noteCompaction(context: Clocked, agentId: string, key: string): Promise<void> {
	await updateSessions(context.paths, agentId, (document, current) => {
		if (!current.has(key)) throw unknownSession(agentId, key);
		countCompaction(document, key, stamp(context));
	});
}

async function changeModel(
	context: ResolveContext,
	agentId: string,
	key: string,
	change: (session: Session | undefined) => ModelChange,
): Promise<readonly string[]> {
	return updateSessions(context.paths, agentId, (document, current) => {
		const {patch, sentences} = change(current.get(key));
		setPin(document, key, patch, stamp(context));
		return sentences;
	});
}

function stamp({now}: Clocked) {
	return {now: now(), sessionId: randomUUID()};
}

function thrown({code, message, next}: Problem): JarvisError {
	return new JarvisError(code, message, next);
}
