"""Profile: loads and checks a province's data folder."""

from app.profile.load import load_profile, profile_folder

__all__ = ["load_profile", "profile_folder"]
