import {JarvisError, shellWord} from '../errors.ts';
import {providerFlag} from './profile-commands.ts';
import type {Conflict} from './write-back.ts';
import type {Standing, StepProgram} from './write-back-programs.ts';

export function unknownProgram(id: string, known: readonly StepProgram[]): JarvisError {
	return new JarvisError(
		'write_back_unsupported',
		`${JSON.stringify(id)} is no program that can be kept in step.`,
		`There is: ${known.map(program => program.id).join(', ')}. For others: docs/sink.md`,
	);
}

export function unsupported(program: StepProgram, profileId: string, why: string): JarvisError {
	return new JarvisError(
		'write_back_unsupported',
		`The ${program.label} cannot be kept in step with ${profileId}: ${why}. Nothing was changed.`,
		`Log an account in that it can use: jarvis models auth login ${providerFlag(program.provider)}`,
	);
}

export function unknownWriteBack(program: StepProgram, home: string): JarvisError {
	return new JarvisError(
		'write_back_unknown',
		`The ${program.label} in ${home} is not kept in step.`,
		'See those that are: jarvis models auth write-back list',
	);
}

export function conflict(
	program: StepProgram,
	home: string,
	profileId: string,
	found: Conflict,
	standing: Standing,
): JarvisError {
	const holds = {
		account: `is logged in with another account than ${profileId}`,
		newer: `holds a login of its own that may be newer than ${profileId}`,
		other: `holds ${standing.kind === 'other' ? standing.what : 'a login of another kind'}`,
	}[found];
	return new JarvisError(
		'write_back_conflict',
		`The ${program.label} in ${home} ${holds}. Nothing was changed.`,
		`Add --replace to put that away beside ${shellWord(program.file(home))}, or name another folder with --home.`,
	);
}
