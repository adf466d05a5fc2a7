import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {isSystemError, shellWord} from '../../errors.ts';
import {type JsonValue, member, readTextIfThere, textMember, tryParseJson} from '../../store/json.ts';
import type {StatePaths} from '../../store/paths.ts';
import {readKeptReplies} from '../../store/reply-slot.ts';
import {entriesOf} from '../../store/schema.ts';
import type {SecretFinding} from './findings.ts';

/** An agent's `auth.json`: static keys are taken over and removed, OAuth tokens stay for who reads them there. */
export function auditLegacyStore(paths: StatePaths, agentId: string): SecretFinding[] {
	const file = join(paths.agentCredentials(agentId), 'auth.json');
	const entries = entriesOf(documentIn(file));
	const keys = entries.filter(([, entry]) => holds(entry, ['key', 'apiKey', 'token']));
	const tokens = entries.filter(([, entry]) => holds(entry, ['access', 'refresh']));
	const found: SecretFinding[] = [];
	if (keys.length > 0) {
		const message = `${file} holds keys of ${keys.map(([name]) => name).join(', ')}.`;
		// Whatever is asked about an agent has its older files taken over first.
		const next = `jarvis models status --agent ${agentId}`;
		found.push({code: 'legacy_plaintext', file, agentId, message, next});
	}
	if (tokens.length > 0) {
		const message = `${file} holds OAuth tokens of ${tokens.map(([name]) => name).join(', ')}.`;
		found.push({code: 'legacy_oauth', file, agentId, message});
	}
	return found;
}

/** What is left of older programs, of agents that were deleted, and of refreshes. */
export function auditLeftovers(paths: StatePaths): SecretFinding[] {
	return [...legacyOAuth(paths), ...leavingAgents(paths), ...keptReplies(paths)];
}

function legacyOAuth({root}: StatePaths): SecretFinding[] {
	const folder = join(root, 'credentials');
	// Also one that was put aside when it had been taken over.
	return namesIn(folder)
		.filter(name => name.startsWith('oauth.json'))
		.flatMap((name): SecretFinding[] => {
			const file = join(folder, name);
			const entries = entriesOf(documentIn(file)).filter(([, entry]) => holds(entry, ['access', 'refresh']));
			if (entries.length === 0) return [];
			const message = `${file} holds OAuth tokens of ${entries.map(([provider]) => provider).join(', ')}, which are taken over once and not read again.`;
			return [{code: 'legacy_plaintext', file, message, next: `rm ${shellWord(file)}`}];
		});
}

function leavingAgents({root}: StatePaths): SecretFinding[] {
	return namesIn(root)
		.filter(name => name.startsWith('.deleting-'))
		.map(name => {
			const file = join(root, name);
			const message = `${file} is what is left of an agent that was deleted.`;
			return {code: 'leftover_agent', file, message, next: `rm -r ${shellWord(file)}`};
		});
}

function keptReplies(paths: StatePaths): SecretFinding[] {
	return namesIn(paths.journal)
		.filter(name => name.endsWith('.reply'))
		.flatMap(name =>
			readKeptReplies(paths, name.slice(0, -'.reply'.length)).map(({credential}): SecretFinding => {
				const {provider} = credential;
				const file = join(paths.journal, name);
				const message = `${file} holds a token of ${provider} that the store could not take yet.`;
				const next = `jarvis models auth token --provider ${shellWord(provider)} > /dev/null`;
				return {code: 'kept_reply', file, message, next};
			}),
		);
}

function holds(entry: JsonValue, names: readonly string[]): boolean {
	return names.some(name => textMember(entry, name) !== undefined);
}

function documentIn(file: string): JsonValue | undefined {
	try {
		const text = readTextIfThere(file);
		const document = text === undefined ? undefined : tryParseJson(text);
		// Some versions have the entries one level down.
		return member(document, 'profiles') ?? document;
	} catch (error) {
		if (isSystemError(error, 'EACCES', 'EPERM', 'EISDIR')) return undefined;
		throw error;
	}
}

function namesIn(folder: string): string[] {
	try {
		return readdirSync(folder).sort();
	} catch (error) {
		if (isSystemError(error, 'ENOENT', 'EACCES', 'ENOTDIR')) return [];
		throw error;
	}
}
