import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {isSystemError, shellWord} from '../../errors.ts';
import type {StatePaths} from '../../store/paths.ts';
import {leavingPrefix} from '../../store/profiles.ts';
import {readKeptReplies, slotFile, slotNames} from '../../store/reply-slot.ts';
import {salvagedFolder} from '../../store/restore.ts';
import {providerFlag} from '../profile-commands.ts';
import {removeAfterLook, type SecretFinding} from './findings.ts';

/** What is left of agents that were deleted. */
export function auditLeavingAgents({root}: StatePaths): SecretFinding[] {
	return namesIn(root)
		.filter(name => name.startsWith(leavingPrefix))
		.map(name => {
			const file = join(root, name);
			const message = `${file} is what is left of an agent that was deleted.`;
			return {code: 'leftover_agent', file, message, next: `rm -r ${shellWord(file)}`};
		});
}

/** What doctor would not remove. */
export function auditSalvaged({root}: StatePaths): SecretFinding[] {
	const folder = salvagedFolder(root);
	return namesIn(folder).map(name => {
		const file = join(folder, name);
		const message = `${file} was set aside, because it may hold a secret that is in no other file.`;
		return {code: 'leftover_salvaged', file, message, next: removeAfterLook(file)};
	});
}

/** What is left of refreshes: new tokens that the store could not take. Throws system errors. */
export function auditKeptReplies(paths: StatePaths): SecretFinding[] {
	return slotNames(paths).flatMap(name =>
		readKeptReplies(paths, name).map(({credential: {provider}}): SecretFinding => {
			const file = slotFile(paths, name);
			const message = `${file} holds a token of ${provider} that the store could not take yet.`;
			const next = `jarvis models auth token ${providerFlag(provider)} > /dev/null`;
			return {code: 'kept_reply', file, message, next};
		}),
	);
}

function namesIn(folder: string): string[] {
	try {
		return readdirSync(folder).sort();
	} catch (error) {
		if (isSystemError(error, 'ENOENT', 'EACCES', 'ENOTDIR')) return [];
		throw error;
	}
}
