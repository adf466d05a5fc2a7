import {randomUUID} from 'node:crypto';
import {JarvisError} from '../errors.ts';
import {readConfig} from '../store/config.ts';
import {
	assertSessionKey,
	countCompaction,
	readSessions,
	resetSession,
	type Session,
	setPin,
	unknownSession,
	updateSessions,
} from '../store/sessions.ts';
import {named} from './aim.ts';
import {prepare, type ResolveContext, withIds} from './resolve.ts';
import {type Problem, parseModelRef} from './routing/model-ref.ts';
import {configWordsOf, providerWordsOf} from './routing/provider-names.ts';
import {modelContext} from './routing/session-target.ts';
import {
	applyDefaultModel,
	applyModel,
	type ModelChange,
	parseSlashCommand,
	slashHelp,
} from './routing/slash-command.ts';
import {modelListLines, nothingSet, pinFaultLines, statusLines} from './session-words.ts';
import {usableProfiles} from './usable.ts';
import {type Which, whichOf} from './which.ts';

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
			const which = await explainSession(context, agentId, key);
			return which ? statusLines(which, context.now()) : nothingSet;
		}
		case 'model-list':
			return modelListLines(await routed(context, agentId, key));
		case 'model-default':
			return changeModel(context, agentId, key, session => applyDefaultModel(session));
		case 'model-set': {
			const {config, profiles} = await routed(context, agentId, key, providerWordsOf(command.ref));
			const told = await changeModel(context, agentId, key, session => {
				const known = modelContext(agentId, config, named(profiles), session);
				const parsed = parseModelRef(command.ref, known);
				if ('problem' in parsed) throw thrown(parsed.problem);
				return applyModel(session, parsed.ok, known.profiles);
			});
			const prepared = await prepare(context, {agentId, sessionKey: key});
			return [...told, ...pinFaultLines(prepared, key, context.now())];
		}
	}
}

/**
 * What a session would use now, and why; nothing where no model is configured and it keeps to no profile.
 * @throws as `prepare` does
 */
export async function explainSession(
	context: ResolveContext,
	agentId: string,
	key: string,
): Promise<Which | undefined> {
	try {
		return whichOf(await prepare(context, {agentId, sessionKey: key}, 'resolve'), key);
	} catch (error) {
		if (error instanceof JarvisError && error.code === 'no_model') return undefined;
		throw error;
	}
}

/** What a session's models are read against, in which providers go by their ids. */
async function routed(context: ResolveContext, agentId: string, key: string, words: readonly string[] = []) {
	const {paths} = context;
	const written = await readConfig(paths);
	const usable = await usableProfiles(paths, written, agentId);
	const session = (await readSessions(paths, agentId)).get(key);
	const own = session?.providerOverride ? [session.providerOverride] : [];
	const all = [...configWordsOf(written), ...own, ...words];
	const config = await withIds(context, {...usable, config: written}, all);
	return {config, session, profiles: usable.profiles};
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
