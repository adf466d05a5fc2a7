import {clean} from '../auth/facts.ts';
import {loginCommand} from '../auth/profile-commands.ts';
import type {Which, WhichCandidate, WhichOption} from '../auth/which.ts';
import {clockTime, orderSourceWords, ownerWords, span, waitWords} from '../words.ts';
import {type CommandContext, durationFlag, printJson, textFlag} from './command.ts';

/** `which`: the whole decision of what would be used, and why. */
export async function runWhich(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const [wanted = ''] = context.arguments;
	const which = await jarvis.which({
		...(await jarvis.targetNamed(wanted)),
		agentId: textFlag(context, 'agent'),
		sessionKey: textFlag(context, 'session'),
		minTtlMs: durationFlag(context, 'min-ttl'),
	});
	if (context.flags.json) printJson(context, which);
	else context.print(whichText(which, jarvis.now()));
	// Nobody must log in for less to be asked for.
	const isShort = which.options.some(({candidates}) => candidates.some(one => one.reason === 'short_lived'));
	if (!which.chosen) return isShort ? 1 : 3;
	return which.chosen.waitsUntil === undefined ? 0 : 1;
}

function whichText(which: Which, now: number): string {
	const {agentId, sessionKey, chosen, options} = which;
	const session = sessionKey === undefined ? '' : `, session ${sessionKey}`;
	const used = chosen
		? `${clean(chosen.profileId)}${chosen.model === undefined ? '' : ` for ${chosen.provider}/${chosen.model}`}`
		: 'nothing';
	const why = chosen ? `: ${chosen.why}${waitWords(chosen.waitsUntil, now)}` : '';
	const head = [`Agent ${agentId}${session}`, `would use ${used}${why}`];
	return [head.join('\n'), ...options.map(option => optionText(which, option, now))].join('\n\n');
}

function optionText(which: Which, option: WhichOption, now: number): string {
	const words = orderSourceWords[option.orderFrom];
	const from = option.orderFrom === 'all profiles' ? words : `order from: ${words}`;
	const title = `${option.name} (${option.why}), ${from}`;
	if (option.candidates.length === 0) {
		return `${title}\n  no profile. Log in: ${loginCommand(which.agentId, option.provider)}`;
	}
	const ends = option.endsHere ? [`  no fallback is tried: ${option.endsHere}`] : [];
	return [title, ...option.candidates.map(candidate => candidateText(candidate, now)), ...ends].join('\n');
}

function candidateText(candidate: WhichCandidate, now: number): string {
	const {turn, profileId, reason, why, owner, until, waitsUntil, change} = candidate;
	const back = until === undefined ? '' : `, back in ${span(until - now)} (${clockTime(until)})`;
	const of = owner === undefined ? '' : ` (of ${ownerWords(owner)})`;
	return [
		`${(turn === undefined ? '–' : `${turn}.`).padStart(4)} ${clean(profileId)}${of}  ${reason}`,
		`       why     ${why}${back}${waitWords(waitsUntil, now)}`,
		`       change  ${change}`,
	].join('\n');
}
