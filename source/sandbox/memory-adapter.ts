import type {Adapter, StoredPayload} from 'oidc-provider';

/**
 * Keeps one kind of record (grants, codes, refresh tokens, open logins) of one authorization server in memory.
 *
 * Nothing expires here, because every record carries its own expiry, which oidc-provider checks when it reads
 * it; and used refresh tokens must stay, or their reuse could not be told from a token that never existed
 * (RFC 9700, section 4.14.2). Its own memory adapter forgets the oldest records after the first thousand.
 */
export function createMemoryAdapter(): Adapter {
	const records = new Map<string, StoredPayload>();
	return {
		async upsert(id, payload) {
			records.set(id, payload);
		},
		async find(id) {
			return records.get(id);
		},
		async findByUid(uid) {
			return [...records.values()].find(payload => payload.uid === uid);
		},
		async findByUserCode(userCode) {
			return [...records.values()].find(payload => payload.userCode === userCode);
		},
		async consume(id) {
			const payload = records.get(id);
			if (payload) payload.consumed = Math.floor(Date.now() / 1000);
		},
		async destroy(id) {
			records.delete(id);
		},
		async revokeByGrantId(grantId) {
			for (const [id, payload] of records) {
				if (payload.grantId === grantId) records.delete(id);
			}
		},
	};
}
