-- Which event the points wait for: a redemption, a reward, or an adjustment that takes points away.

ALTER TABLE touchline.pending_redemption ADD COLUMN type text NOT NULL DEFAULT 'points.redeemed';
ALTER TABLE touchline.pending_redemption ALTER COLUMN type DROP DEFAULT;
