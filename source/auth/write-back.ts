import {isAbsolute, resolve as resolvePath} from 'node:path';
import {asJarvisError, shellWord} from '../errors.ts';
import type {AuditEvent, AuditSubject} from '../store/audit-log.ts';
import {mainAgentId, type StatePaths} from '../store/paths.ts';
import {peekCredentials} from '../store/profiles.ts';
import {journalOfToken} from '../store/read-journal.ts';
import type {OAuthCredential} from '../store/schema.ts';
import {
	dropWriteBack,
	noteOnWriteBack,
	putWriteBack,
	readWriteBacks,
	type StopReason,
	stopReasons,
	type WriteBack,
} from '../store/write-back.ts';
import {expiryClaim} from './claims.ts';
import {fingerprint} from './identity.ts';
import {conflict, unknownProgram, unknownWriteBack, unsupported} from './write-back-errors.ts';
import {type Standing, type StepLogin, type StepProgram, stepPrograms} from './write-back-programs.ts';

/**
 * Programs that read a login file of their own and nothing else are kept in step: after each refresh the new
 * access token is put there, and never a refresh token (docs/sink.md, "Write-back"). So they go on working, and cannot
 * end the grant.
 */

export interface WriteBackContext {
	readonly paths: StatePaths;
	readonly env: NodeJS.ProcessEnv;
	readonly now: () => number;
	readonly record: (event: AuditEvent, subject: AuditSubject) => void;
	/** Tells a person what nobody asked for. */
	readonly tell: (text: string) => void;
}

/** What is to be kept in step with what. */
export interface SwitchOn {
	readonly program: string;
	/** The program's folder; its usual one if absent. */
	readonly home?: string | undefined;
	readonly agentId: string;
	readonly profileId: string;
	/** Put the login away that stands there, whoever's it is. */
	readonly replace?: boolean | undefined;
}

export interface SwitchedOn extends WriteBack {
	readonly label: string;
	readonly file: string;
	/** Where the login is kept that stood there. */
	readonly original?: string;
	/** Why the program would not read the file, as it is set up. */
	readonly hindrance?: string;
}

/** Why a login that stands in a program's file must not be written over unasked. */
export type Conflict = 'account' | 'newer' | 'other';

/**
 * The program of an id, and its folder as an absolute path.
 * @throws `write_back_unsupported`
 */
export function programAt(
	{env}: Pick<WriteBackContext, 'env'>,
	id: string,
	home: string | undefined,
): {readonly program: StepProgram; readonly home: string} {
	const program = stepPrograms.find(other => other.id === id);
	if (!program) throw unknownProgram(id, stepPrograms);
	return {program, home: home === undefined ? program.home(env) : resolvePath(home)};
}

/**
 * Writes a profile's token into a program's own file, and has that done again after each refresh. Nobody may
 * refresh the profile meanwhile.
 * @param credential the profile's, good now
 * @throws `write_back_unsupported`, `write_back_conflict`, and what reading and writing the files throws
 */
export async function switchOn(
	context: WriteBackContext,
	{agentId, profileId, replace, ...named}: SwitchOn,
	credential: OAuthCredential,
): Promise<SwitchedOn> {
	const {paths} = context;
	const {program, home} = programAt(context, named.program, named.home);
	const login = loginOf(program, profileId, credential, context.now());
	const hindrance = program.hindrance(home);
	const writeBacks = await readWriteBacks(paths);
	const isKeptInStep = writeBacks.some(
		writeBack => writeBack.program === program.id && writeBack.home === home && !writeBack.stopped,
	);
	const original = await program.write(
		paths,
		home,
		standing => {
			// A token that was put there for a profile makes way: nothing is lost with it.
			const isOwn = standing.kind === 'token' && (isKeptInStep || standing.account === login.account);
			const found =
				replace || isOwn ? undefined : conflictWith(standing, credential, isSpentHere(paths, credential));
			if (found) throw conflict(program, home, profileId, found, standing);
			return {...login, keepsOriginal: !isOwn && standing.kind !== 'nobody'};
		},
		isSpentHere(paths, credential),
	);
	const writeBack = {program: program.id, home, agentId, profileId};
	await putWriteBack(paths, writeBack);
	const note = `write-back to the ${program.label} in ${home} was switched on`;
	context.record('write_back', {agentId, profileId, provider: program.provider, note});
	return {
		...{...writeBack, label: program.label, file: program.file(home)},
		...(original === undefined ? {} : {original}),
		...(hindrance === undefined ? {} : {hindrance}),
	};
}

/**
 * Keeps a program in step no longer. Its file stays as it is.
 * @throws `write_back_unsupported`, `write_back_unknown`, and what writing the write-backs throws
 */
export async function switchOff(
	context: WriteBackContext,
	named: {readonly program: string; readonly home?: string | undefined},
): Promise<WriteBack & {readonly label: string; readonly ownLogin: string}> {
	const {program, home} = programAt(context, named.program, named.home);
	const writeBack = await dropWriteBack(context.paths, {program: program.id, home});
	if (!writeBack) throw unknownWriteBack(program, home);
	const {agentId, profileId} = writeBack;
	const note = `write-back to the ${program.label} in ${home} was switched off`;
	context.record('write_back', {agentId, profileId, provider: program.provider, note});
	return {...writeBack, label: program.label, ownLogin: program.ownLogin};
}

/**
 * Brings every program up to date that is kept in step. Costs a look for one file where there is none. Never
 * throws: what is in the way is told, recorded and noted on the write-back, and tried again the next time.
 */
export async function keepInStep(context: WriteBackContext): Promise<void> {
	try {
		for (const writeBack of await readWriteBacks(context.paths)) {
			const program = stepPrograms.find(({id}) => id === writeBack.program);
			if (program && !writeBack.stopped && isAbsolute(writeBack.home))
				await keepOneInStep(context, program, writeBack);
		}
	} catch (error) {
		const {message, next} = asJarvisError(error);
		context.tell(`Nothing could be kept in step. ${message} ${next}`);
	}
}

/** A write-back, and how it stands with its program now. */
export interface WriteBackFacts extends WriteBack {
	/** `behind`: the file holds an older token; `unreadable`: what it holds is not known. */
	readonly state: 'in_step' | 'behind' | 'unreadable' | StopReason;
}

/** All write-backs, each after a look at its program's file. Changes nothing. Throws what `readWriteBacks` throws. */
export async function writeBackFacts(paths: StatePaths): Promise<WriteBackFacts[]> {
	const writeBacks = await readWriteBacks(paths);
	return Promise.all(
		writeBacks.map(async writeBack => ({...writeBack, state: await stateOf(paths, writeBack)})),
	);
}

async function stateOf(paths: StatePaths, writeBack: WriteBack): Promise<WriteBackFacts['state']> {
	const program = stepPrograms.find(({id}) => id === writeBack.program);
	if (writeBack.stopped) return writeBack.stopped.reason;
	const {isKnown, credential} = keptCredential(paths, writeBack);
	const standing = isKnown ? await program?.read(writeBack.home).catch(() => undefined) : undefined;
	if (!standing) return 'unreadable';
	const verdict = judgeStep(standing, credential);
	return verdict === 'write' ? 'behind' : verdict === 'in step' ? 'in_step' : verdict;
}

function keptCredential(paths: StatePaths, {program, agentId, profileId}: WriteBack) {
	const credentials = peekCredentials(paths, agentId);
	const credential = credentials?.profiles.get(profileId);
	const provider = stepPrograms.find(({id}) => id === program)?.provider;
	const isOf = credential?.type === 'oauth' && credential.provider === provider;
	return {isKnown: credentials !== undefined, credential: isOf ? credential : undefined};
}

async function keepOneInStep(
	context: WriteBackContext,
	program: StepProgram,
	writeBack: WriteBack,
): Promise<void> {
	const {paths, now, record, tell} = context;
	const {home, agentId, profileId} = writeBack;
	const subject = {agentId, profileId, provider: program.provider};
	const where = `the ${program.label} in ${home}`;
	try {
		const verdict = await step(context, program, writeBack);
		if (verdict === 'written') record('write_back', {...subject, note: `kept ${where} in step`});
		else if (verdict !== 'in step' && verdict !== 'not known') {
			await noteOnWriteBack(paths, writeBack, {stopped: {at: now(), reason: verdict}});
			record('write_back', {...subject, note: `stopped keeping ${where} in step: ${stopReasons[verdict]}`});
			const owner = agentId === mainAgentId ? '' : ` --agent ${agentId}`;
			const again = `jarvis models auth write-back on ${program.id} --profile ${shellWord(profileId)}${owner}`;
			tell(`No longer kept in step with ${profileId}: ${where}, because ${stopReasons[verdict]}.`);
			tell(`To have it again: ${again} --home ${shellWord(home)}`);
			return;
		}
		if (writeBack.problem) await noteOnWriteBack(paths, writeBack, {});
	} catch (error) {
		const {code, message, next} = asJarvisError(error);
		record('write_back', {...subject, note: `could not keep ${where} in step: ${code}`});
		tell(`Could not keep ${where} in step with ${profileId}. ${message} ${next}`);
		await noteOnWriteBack(paths, writeBack, {problem: {at: now(), code}});
	}
}

type Done = 'written' | 'in step' | 'not known' | StopReason;

async function step(context: WriteBackContext, program: StepProgram, writeBack: WriteBack): Promise<Done> {
	const {paths} = context;
	const {home, profileId} = writeBack;
	const {isKnown, credential} = keptCredential(paths, writeBack);
	if (!isKnown) return 'not known';
	const first = judgeStep(await program.read(home), credential);
	if (first !== 'write') return first;
	let done: Done = 'in step';
	await program.write(
		paths,
		home,
		standing => {
			// A token that was read before is not written over a newer one.
			const newest = keptCredential(paths, writeBack).credential;
			const verdict = judgeStep(standing, newest);
			done = verdict === 'write' ? 'written' : verdict;
			return verdict === 'write' && newest ? loginOf(program, profileId, newest, context.now()) : undefined;
		},
		isSpentHere(paths, credential),
	);
	return done;
}

/**
 * What is to be done for a program that is kept in step, by what stands in its file now. Only what JARVIS wrote
 * is ever written over: a login of the program's own is the person's wish.
 */
export function judgeStep(
	standing: Standing,
	credential: OAuthCredential | undefined,
): 'write' | 'in step' | StopReason {
	if (!credential) return 'profile_gone';
	if (standing.kind === 'nobody') return 'logged_out';
	if (standing.kind !== 'token' || standing.account !== credential.accountId) return 'logged_in';
	return credential.access === undefined || credential.access === standing.access ? 'in step' : 'write';
}

/**
 * Why the login that stands in a program's file must not make way unasked: it is of another account, or newer
 * than the profile's own token, or none of an account at all.
 * @param isOurs whether JARVIS holds or has spent a refresh token: then it is no newer than the profile's
 */
export function conflictWith(
	standing: Standing,
	{accountId, access}: OAuthCredential,
	isOurs: (refresh: string) => boolean,
): Conflict | undefined {
	if (standing.kind === 'other') return 'other';
	if (standing.kind === 'nobody') return undefined;
	if (standing.account !== accountId) return 'account';
	if (standing.kind === 'token' || isOurs(standing.refresh)) return undefined;
	// Both by the server's clock: what is stored here was reckoned by this machine's.
	const expires = expiryClaim(access);
	const isOlder = expires !== undefined && standing.expires !== undefined && standing.expires < expires;
	return isOlder ? undefined : 'newer';
}

function isSpentHere(
	paths: StatePaths,
	credential: OAuthCredential | undefined,
): (refresh: string) => boolean {
	return refresh =>
		refresh === credential?.refresh || journalOfToken(paths, fingerprint(refresh)) !== undefined;
}

function loginOf(
	program: StepProgram,
	profileId: string,
	{access, accountId}: OAuthCredential,
	at: number,
): StepLogin {
	if (!accountId) throw unsupported(program, profileId, 'it is not known of which account it is');
	if (!access || !program.takes(access)) {
		throw unsupported(program, profileId, 'its access token is no JWT, which that program needs');
	}
	return {access, account: accountId, at};
}
