import {JarvisError, shellWord} from '../../errors.ts';
import {clearFailures, patchUsage, putCredential} from '../../store/edit.ts';
import {mainAgentId} from '../../store/paths.ts';
import {updateCredentials} from '../../store/profiles.ts';
import {type Credential, type CredentialKind, optional} from '../../store/schema.ts';
import {orderSetCommand} from '../profile-commands.ts';
import {afterAdopting, type FindContext, judgeInput, loginId, type Source, sourcesOf} from './find.ts';
import {type ImportHow, judge} from './judge.ts';
import {programs} from './programs.ts';

export interface TakeRequest {
	readonly agentId: string;
	/** As `FoundLogin` names it. */
	readonly id: string;
	readonly how: ImportHow;
	/** Under which id, if the person says so. */
	readonly profileId?: string | undefined;
}

/** A login that was taken over, without its secrets. */
export interface TakenLogin {
	readonly id: string;
	readonly program: string;
	readonly file: string;
	readonly agentId: string;
	readonly profileId: string;
	readonly provider: string;
	readonly kind: CredentialKind;
	readonly how: ImportHow;
	/** Who refreshes it from now on. */
	readonly refreshedBy: string;
	/** What that means, in words for a person. */
	readonly note: string;
}

/**
 * Takes a login of another program over: `adopt` stores it, and JARVIS refreshes it from then on; `link`
 * stores where it is, and no secret. The program's file is read anew, and never changed.
 *
 * @throws `import_unknown`, `import_refused`, `profile_invalid_id`, and what reading the program's file and
 * `updateCredentials` throw
 */
export async function takeLogin(context: FindContext, request: TakeRequest): Promise<TakenLogin> {
	const {agentId, id, how} = request;
	const source = await sourceNamed(context, id);
	const {program, file, entry} = source;
	const {profileId, isLeftOut} = await updateCredentials(context.paths, agentId, (document, current) => {
		const input = {...judgeInput(context, source, agentId, current), wanted: request.profileId};
		const judged = judge(input);
		const refusal = judged.refusals[how];
		if (refusal !== undefined) throw refused(source, {how, agentId}, refusal, judged.refusals);
		putCredential(document, judged.profileId, how === 'adopt' ? entry.credential : linkTo(source));
		clearFailures(document, judged.profileId);
		// Nobody has seen it work yet.
		if (current.usageStats.has(judged.profileId))
			patchUsage(document, judged.profileId, {lastProven: undefined});
		const order = current.order.get(entry.credential.provider);
		return {profileId: judged.profileId, isLeftOut: order !== undefined && !order.includes(judged.profileId)};
	});
	const {provider, type: kind} = entry.credential;
	const set = orderSetCommand(agentId, provider);
	const unused = isLeftOut ? ` The agent’s order of ${provider} leaves it out. To have it used: ${set}` : '';
	return {
		...{id: loginId(source), program: program.id, file},
		...{agentId, profileId, provider, kind, how},
		refreshedBy: how === 'adopt' ? 'jarvis' : program.id,
		note: `${how === 'adopt' ? afterAdopting(source) : linkWords(source)}${unused}`,
	};
}

function linkWords({program, file}: Source): string {
	return `It is read from ${file} at each use and never refreshed here: ${program.renewedBy} renews it.`;
}

async function sourceNamed({place}: FindContext, id: string): Promise<Source> {
	const program = programs.find(candidate => id.startsWith(`${candidate.id}:`));
	const sources = program ? await sourcesOf(program, place) : [];
	const source = sources.find(candidate => loginId(candidate) === id);
	if (source) return source;
	throw new JarvisError(
		'import_unknown',
		`There is no login ${JSON.stringify(id)} on this machine.`,
		'See those that there are: jarvis import --list',
	);
}

// The entry has all that tells whose it is, and nothing that could be handed out.
function linkTo({program, file, entry}: Source): Credential {
	const {credential} = entry;
	const {provider, type, email} = credential;
	return {
		type,
		provider,
		...optional('email', email),
		...(credential.type === 'oauth' ? optional('accountId', credential.accountId) : {}),
		link: {program: program.id, file, entry: entry.entry},
	};
}

function refused(
	source: Source,
	{how, agentId}: Pick<TakeRequest, 'how' | 'agentId'>,
	why: string,
	refusals: Readonly<Partial<Record<ImportHow, string>>>,
): JarvisError {
	const other: ImportHow = how === 'adopt' ? 'link' : 'adopt';
	const of = agentId === mainAgentId ? '' : ` --agent ${agentId}`;
	const next =
		refusals[other] === undefined
			? `It can be ${other === 'link' ? 'linked' : 'adopted'}: jarvis import ${shellWord(loginId(source))} --${other}${of}`
			: 'See how it stands: jarvis import --list';
	return new JarvisError(
		'import_refused',
		`The login of ${source.program.label} was not ${how === 'adopt' ? 'adopted' : 'linked'}: ${why}. Nothing was changed.`,
		next,
	);
}
