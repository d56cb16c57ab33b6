"""Two data revisions side by side: findings, images and objects that changed, facts that drifted."""
